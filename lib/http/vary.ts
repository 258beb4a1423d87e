/** The `Vary` header (RFC 9110 section 12.5.5). */

/**
 * `vary` (undefined for none yet) with the field names of `more`, each once.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(addVary("Accept", "Accept-Encoding, accept"), "Accept, Accept-Encoding");
 * ```
 */
export function addVary(vary: string | undefined, more: string): string {
  const names: string[] = [];
  for (const name of `${vary ?? ""},${more}`.split(",").map((part) => part.trim())) {
    if (name === "" || names.some((known) => known.toLowerCase() === name.toLowerCase())) continue;
    names.push(name);
  }
  return names.includes("*") ? "*" : names.join(", ");
}
