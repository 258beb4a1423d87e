/**
 * Where content is cut: FastCDC (Xia et al., USENIX ATC 2016) with a Gear hash of 32 bits, so that a cut depends only
 * on the 32 bytes before it and equal content is cut equally wherever it lies. Both sides must use the same table and
 * the same rules: docs/protocol.md describes them, chunker_test.ts holds golden cuts.
 */

/** The table: 256 outputs of SplitMix32 with the seed 0x46455252 ("FERR"). */
export const GEAR: Int32Array = makeGear();

function makeGear(): Int32Array {
  const table = new Int32Array(256);
  let state = 0x46455252;
  for (let i = 0; i < 256; i++) {
    state = (state + 0x9e3779b9) | 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    table[i] = z ^ (z >>> 16);
  }
  return table;
}

/** Sizes of chunks, bytes: powers of two apart, so that one number tells them. */
export interface ChunkSizes {
  /** log2 of the average. */
  bits: number;
  min: number;
  average: number;
  max: number;
}

/** The smallest and the largest average that is understood, as log2. */
export const MIN_CHUNK_BITS = 15;
export const MAX_CHUNK_BITS = 20;

/** More chunks than this and they are made larger. */
const MANY_CHUNKS = 2 ** 19;

/** The sizes for an average of about `2 ** bits`: half of it at least, four times it at most. */
export function chunkSizes(bits: number): ChunkSizes {
  // Shifted, not raised: powers are doubles to the machine, and so would be every index made from them, at half the pace.
  return { bits, min: 1 << (bits - 1), average: 1 << bits, max: 1 << (bits + 2) };
}

/** What a file of `size` bytes is cut into: 32 KiB on average, and more when there would be too many of them. */
export function chunkBitsFor(size: number): number {
  let bits = MIN_CHUNK_BITS;
  while (bits < MAX_CHUNK_BITS && size / 2 ** bits > MANY_CHUNKS) bits++;
  return bits;
}

/**
 * Where the chunk that starts at `start` ends. `end` is where the bytes end: the caller sees to it that a whole
 * chunk's `max` lies before it, or that the content ends there.
 */
export function nextCut(bytes: Uint8Array, start: number, end: number, sizes: ChunkSizes): number {
  const limit = Math.min(end, start + sizes.max);
  const normal = Math.min(limit, start + sizes.average);
  // Harder to meet before the average, easier behind it: that draws the lengths together.
  const strict = -1 << (32 - (sizes.bits + 2));
  const loose = -1 << (32 - (sizes.bits - 2));
  let at = start + sizes.min;
  // The hash sees 32 bytes: it starts so much earlier that the first cut possible depends on as many as any other.
  let hash = 0;
  for (let i = Math.max(start, at - 32); i < at && i < limit; i++) hash = (hash << 1) + GEAR[bytes[i]] | 0;
  // In steps of four: half the time of a plain loop.
  const normalStop = normal - 3, limitStop = limit - 3;
  for (; at < normalStop; at += 4) {
    hash = (hash << 1) + GEAR[bytes[at]] | 0;
    if ((hash & strict) === 0) return at + 1;
    hash = (hash << 1) + GEAR[bytes[at + 1]] | 0;
    if ((hash & strict) === 0) return at + 2;
    hash = (hash << 1) + GEAR[bytes[at + 2]] | 0;
    if ((hash & strict) === 0) return at + 3;
    hash = (hash << 1) + GEAR[bytes[at + 3]] | 0;
    if ((hash & strict) === 0) return at + 4;
  }
  for (; at < normal; at++) {
    hash = (hash << 1) + GEAR[bytes[at]] | 0;
    if ((hash & strict) === 0) return at + 1;
  }
  for (; at < limitStop; at += 4) {
    hash = (hash << 1) + GEAR[bytes[at]] | 0;
    if ((hash & loose) === 0) return at + 1;
    hash = (hash << 1) + GEAR[bytes[at + 1]] | 0;
    if ((hash & loose) === 0) return at + 2;
    hash = (hash << 1) + GEAR[bytes[at + 2]] | 0;
    if ((hash & loose) === 0) return at + 3;
    hash = (hash << 1) + GEAR[bytes[at + 3]] | 0;
    if ((hash & loose) === 0) return at + 4;
  }
  for (; at < limit; at++) {
    hash = (hash << 1) + GEAR[bytes[at]] | 0;
    if ((hash & loose) === 0) return at + 1;
  }
  return limit;
}
