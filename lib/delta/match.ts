/** Finds in what is there the chunks of what is wanted. Pure. */
import type { ChunkList } from "./chunk_list.ts";

/** Bytes at `from` of what is there that belong at `to` of what is wanted. */
export interface Copy {
  to: number;
  from: number;
  length: number;
}

/** Bytes of a file. */
export interface Range {
  start: number;
  length: number;
}

export interface Match {
  /** Where the chunks begin that were looked for. */
  start: number;
  /** In the order of `to`; neighbours that follow each other on both sides are one. */
  copies: Copy[];
  /** What of the wanted is not there, in order. */
  missing: Range[];
  /** What of the old is near to what is missing, in order. */
  near: Range[];
}

/** How much further than a missing range is long its neighbourhood reaches. */
const MARGIN_BYTES = 65_536;

/**
 * Looks for each chunk of `wanted` in `there`; prefers what follows the chunk found before. Chunks that end within the
 * first `begun` bytes are not looked for.
 */
export function matchChunks(wanted: ChunkList, there: ChunkList, begun = 0): Match {
  const starts = startsOf(there);
  const firsts = new Map<number, number>();
  for (let i = there.count - 1; i >= 0; i--) firsts.set(there.nameAt(i), i);
  const used = new Uint8Array(there.count);
  const copies: Copy[] = [], missing: Range[] = [];
  let to = 0, last = -1, done = 0;
  while (done < wanted.count && to + wanted.lengthAt(done) <= begun) to += wanted.lengthAt(done++);
  const start = to;
  for (let i = done; i < wanted.count; i++) {
    const length = wanted.lengthAt(i), name = wanted.nameAt(i);
    const fits = (index: number) =>
      index < there.count && there.nameAt(index) === name && there.lengthAt(index) === length;
    const first = firsts.get(name);
    const found = fits(last + 1) ? last + 1 : first !== undefined && fits(first) ? first : -1;
    if (found === -1) {
      extend(missing, to, length);
    } else {
      used[found] = 1;
      last = found;
      const copy = copies.at(-1);
      if (copy && copy.to + copy.length === to && copy.from + copy.length === starts[found]) {
        copy.length += length;
      } else copies.push({ to, from: starts[found], length });
    }
    to += length;
  }
  return { start, copies, missing, near: nearRanges({ copies, missing }, { there, starts, used }) };
}

function extend(ranges: Range[], start: number, length: number): void {
  const last = ranges.at(-1);
  if (last !== undefined && last.start + last.length === start) last.length += length;
  else ranges.push({ start, length });
}

/** Where each chunk starts. */
function startsOf(list: ChunkList): Float64Array {
  const starts = new Float64Array(list.count);
  for (let i = 0, at = 0; i < list.count; at += list.lengthAt(i++)) starts[i] = at;
  return starts;
}

interface Old {
  there: ChunkList;
  starts: Float64Array;
  used: Uint8Array;
}

/**
 * The chunks that lie behind what was found before a missing range, and before what was found behind it: as many bytes
 * as are missing there and a margin, as far as nothing else uses them, or a margin of used ones.
 */
function nearRanges({ copies, missing }: Pick<Match, "copies" | "missing">, old: Old): Range[] {
  const { there, starts, used } = old;
  const chosen = new Uint8Array(there.count);
  let next = 0;
  for (const { start, length } of missing) {
    while (next < copies.length && copies[next].to < start) next++;
    const reach = length + MARGIN_BYTES;
    const before = next > 0 ? copies[next - 1].from + copies[next - 1].length : 0;
    const first = indexAt(starts, before);
    let i = first;
    for (; i < there.count && !used[i] && starts[i] < before + reach; i++) chosen[i] = 1;
    // With nothing unused there, some of the used: content that came twice is cut differently where it joins.
    if (i === first) { for (; i < there.count && starts[i] < before + MARGIN_BYTES; i++) chosen[i] = 1; }
    const behind = next < copies.length ? copies[next].from : there.bytes;
    const last = indexAt(starts, behind) - 1;
    for (i = last; i >= 0 && !used[i] && starts[i] + there.lengthAt(i) > behind - reach; i--) chosen[i] = 1;
    if (i === last) {
      for (; i >= 0 && starts[i] + there.lengthAt(i) > behind - MARGIN_BYTES; i--) chosen[i] = 1;
    }
  }
  const near: Range[] = [];
  for (let i = 0; i < there.count; i++) if (chosen[i]) extend(near, starts[i], there.lengthAt(i));
  return near;
}

/** The index of the first chunk that starts at `offset` or behind it. */
function indexAt(starts: Float64Array, offset: number): number {
  let low = 0, high = starts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (starts[middle] < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
