/**
 * The token in an `Authorization` header of the Bearer scheme (RFC 6750 section 2.1), or null when it is not one.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(parseBearer("Bearer ferry1.abc"), "ferry1.abc");
 * ```
 */
export function parseBearer(header: string): string | null {
  return /^bearer +([A-Za-z0-9._~+/-]+=*) *$/i.exec(header)?.[1] ?? null;
}
