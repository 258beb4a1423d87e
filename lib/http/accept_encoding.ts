/** Which content coding an answer has, by `Accept-Encoding` (RFC 9110 section 12.5.3). */

/** The codings that Ferry has, the best first: what shrinks most for the time it takes. */
export const CODINGS = ["zstd", "br", "gzip"] as const;

/** A content coding (RFC 9110 section 8.4.1, RFC 7932, RFC 8878). */
export type Coding = typeof CODINGS[number];

/** Longer headers than this are nobody's; they are as good as absent. */
const MAX_LENGTH = 1000;

/** Programs send the same header each time. */
let lastHeader = "";
let lastCodings: readonly Coding[] = [];

/**
 * The codings that `header` (null for none) takes at least as gladly as the plain content, the best first: by weight,
 * then by Ferry's own order. What is malformed counts as not there.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(acceptedCodings("gzip, br;q=0.5, zstd;q=0"), ["gzip", "br"]);
 * assertEquals(acceptedCodings(null), []);
 * ```
 */
export function acceptedCodings(header: string | null): readonly Coding[] {
  if (header === null || header.length > MAX_LENGTH) return [];
  if (header !== lastHeader) {
    lastCodings = read(header);
    lastHeader = header;
  }
  return lastCodings;
}

function read(header: string): Coding[] {
  const weights = new Map<string, number>();
  for (const part of header.split(",")) {
    const match = /^([!#$%&'*+.^_`|~0-9a-z-]+)(?:[ \t]*;[ \t]*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?$/
      .exec(part.trim().toLowerCase());
    if (match !== null) weights.set(match[1], Number(match[2] ?? 1));
  }
  const weightOf = (coding: Coding) =>
    weights.get(coding) ?? (coding === "gzip" ? weights.get("x-gzip") : undefined) ?? weights.get("*") ?? 0;
  // Not spelled out, it is taken when nothing else is.
  const plain = weights.get("identity") ?? 0;
  return CODINGS.filter((coding) => weightOf(coding) > 0 && weightOf(coding) >= plain)
    .toSorted((a, b) => weightOf(b) - weightOf(a));
}
