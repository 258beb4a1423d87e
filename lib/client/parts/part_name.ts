/** What a download is called until it is whole. Pure. */

const PART = ".ferry-part";

/** `NAME.ferry-part.json` is the longest name that lies beside a file. */
const MAX_BYTES = 255 - `${PART}.json`.length;

const encoder = new TextEncoder();

/**
 * The path of the part of `path`: `NAME.ferry-part`. A name that leaves no room for that is cut, and gets a number made
 * of all of it, so that two of them do not meet.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(partPath("dir/a.iso"), "dir/a.iso.ferry-part");
 * ```
 */
export function partPath(path: string): string {
  const slash = path.lastIndexOf("/") + 1;
  // No UTF-16 unit takes more than three bytes of UTF-8.
  if ((path.length - slash) * 3 <= MAX_BYTES) return path + PART;
  const name = path.slice(slash);
  const bytes = encoder.encode(name);
  if (bytes.length <= MAX_BYTES) return path + PART;
  const end = `~${fnv1a(bytes)}`;
  let left = MAX_BYTES - end.length;
  let stem = "";
  for (const character of name) {
    left -= encoder.encode(character).length;
    if (left < 0) break;
    stem += character;
  }
  return path.slice(0, slash) + stem + end + PART;
}

/** FNV-1a of 64 bits, in hex. */
function fnv1a(bytes: Uint8Array): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash.toString(16).padStart(16, "0");
}
