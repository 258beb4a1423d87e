/** Byte ranges (RFC 9110 section 14). */

/** The bytes from `start` up to and without `end`. */
export interface ByteRange {
  start: number;
  end: number;
}

/**
 * What a `Range` header asks of `size` bytes. `ignored`: send all with 200, as for an unknown unit, a malformed
 * header or one that only wastes work (section 14.2).
 */
export type RangeRequest =
  | { kind: "ignored" }
  | { kind: "unsatisfiable" }
  | { kind: "ranges"; ranges: ByteRange[] };

/** More ranges than this in one header are an attack or a mistake. */
export const MAX_RANGES = 100;

const IGNORED: RangeRequest = { kind: "ignored" };

/**
 * Reads a `Range` header. Ranges that overlap or touch are joined; those that lie beyond the end are left out; the
 * order of the first ones stays.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(parseRange("bytes=0-4,-2", 10), {
 *   kind: "ranges",
 *   ranges: [{ start: 0, end: 5 }, { start: 8, end: 10 }],
 * });
 * ```
 */
export function parseRange(header: string, size: number): RangeRequest {
  const match = /^bytes=(.*)$/i.exec(header.trim());
  if (match === null) return IGNORED;
  const specs = match[1].split(",").map((spec) => spec.trim()).filter((spec) => spec !== "");
  if (specs.length === 0 || specs.length > MAX_RANGES) return IGNORED;
  const wanted: ByteRange[] = [];
  for (const spec of specs) {
    const range = parseSpec(spec, size);
    if (range === "malformed") return IGNORED;
    if (range !== null) wanted.push(range);
  }
  if (wanted.length === 0) return { kind: "unsatisfiable" };
  const ranges = join(wanted);
  // Everything asked for more than once over: cheaper and safer to send it once.
  const asked = wanted.reduce((sum, { start, end }) => sum + end - start, 0);
  if (wanted.length > 2 && asked > 2 * size) return IGNORED;
  return { kind: "ranges", ranges };
}

function parseSpec(spec: string, size: number): ByteRange | null | "malformed" {
  const match = /^(\d*)-(\d*)$/.exec(spec);
  if (match === null || (match[1] === "" && match[2] === "")) return "malformed";
  if (match[1] === "") {
    const length = Math.min(Number(match[2]), size);
    return length === 0 ? null : { start: size - length, end: size };
  }
  const start = Number(match[1]);
  const last = match[2] === "" ? Infinity : Number(match[2]);
  if (last < start) return "malformed";
  return start >= size ? null : { start, end: Math.min(last + 1, size) };
}

/** Joins what overlaps or touches; each joined range stands where the first of its parts stood. */
function join(ranges: readonly ByteRange[]): ByteRange[] {
  const order = ranges.map((range, index) => ({ ...range, index })).sort((a, b) => a.start - b.start);
  const joined: typeof order = [];
  for (const range of order) {
    const last = joined.at(-1);
    if (last !== undefined && range.start <= last.end) {
      last.end = Math.max(last.end, range.end);
      last.index = Math.min(last.index, range.index);
    } else {
      joined.push(range);
    }
  }
  return joined.sort((a, b) => a.index - b.index).map(({ start, end }) => ({ start, end }));
}

/** The `Content-Range` of one range of `size` bytes; of none (416) when `range` is null. */
export function contentRange(range: ByteRange | null, size: number): string {
  return range === null ? `bytes */${size}` : `bytes ${range.start}-${range.end - 1}/${size}`;
}
