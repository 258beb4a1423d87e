/** Which name looks like another version of the same thing. Pure. */

/** Names that are looked at, at most: a folder may have 200,000. */
const MAX_CANDIDATES = 1000;

/**
 * The index of the name that resembles `name` most, or -1: one that differs in its numbers only (`app-1.2.tar`,
 * `app-1.10.tar`), else one with the same extension and at least half of the name as a common beginning.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(similarName("app-1.10.tar", ["other.tar", "app-1.9.tar"]), 1);
 * ```
 */
export function similarName(name: string, others: readonly string[]): number {
  const plain = withoutNumbers(name), extension = extensionOf(name);
  let best = -1, bestScore = Math.max(4, name.length / 2);
  for (let i = 0; i < Math.min(others.length, MAX_CANDIDATES); i++) {
    const other = others[i];
    let score = commonStart(name, other);
    if (withoutNumbers(other) === plain) score += name.length;
    else if (extensionOf(other) !== extension) continue;
    if (score < bestScore) continue;
    best = i;
    bestScore = score;
  }
  return best;
}

function withoutNumbers(name: string): string {
  return name.replace(/\d+/g, "0");
}

function extensionOf(name: string): string {
  const dot = name.lastIndexOf(".");
  return dot <= 0 ? "" : name.slice(dot).toLowerCase();
}

function commonStart(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}
