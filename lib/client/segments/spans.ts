/** Runs of bytes and sets of them: lists in order, apart from each other. Pure. */

/** The bytes from `start` on, `end` excluded. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * `spans` with `added`, joined with what it touches.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(addSpan([{ start: 0, end: 2 }, { start: 8, end: 9 }], { start: 2, end: 5 }), [
 *   { start: 0, end: 5 },
 *   { start: 8, end: 9 },
 * ]);
 * ```
 */
export function addSpan(spans: readonly Span[], added: Span): Span[] {
  if (added.end <= added.start) return [...spans];
  const before = spans.filter((span) => span.end < added.start);
  const after = spans.filter((span) => span.start > added.end);
  const touched = spans.slice(before.length, spans.length - after.length);
  const start = Math.min(added.start, ...touched.map((span) => span.start));
  const end = Math.max(added.end, ...touched.map((span) => span.end));
  return [...before, { start, end }, ...after];
}

/** What `spans` leave of the bytes from 0 to `size`. */
export function gaps(spans: readonly Span[], size: number): Span[] {
  const found: Span[] = [];
  let at = 0;
  for (const { start, end } of spans) {
    if (start > at) found.push({ start: at, end: start });
    at = end;
  }
  if (at < size) found.push({ start: at, end: size });
  return found;
}

/** How many bytes they are. */
export function countOf(spans: readonly Span[]): number {
  return spans.reduce((sum, { start, end }) => sum + end - start, 0);
}
