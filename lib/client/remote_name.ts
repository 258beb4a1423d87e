import { FerryError, quote } from "../core/errors.ts";

// NAME.ferry-part.json must fit into the 255 bytes of a name.
const MAX_BYTES = 255 - ".ferry-part.json".length;

/**
 * The file name that the path of `url` gives: its last segment, decoded and made harmless. It is never a path, never
 * starts with a dot, and has no control or direction characters. Throws `usage` when the path ends in a slash.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(remoteName(new URL("http://host/a/..%2f.b%20c")), "_._.b c");
 * ```
 */
export function remoteName(url: URL): string {
  const segment = url.pathname.slice(url.pathname.lastIndexOf("/") + 1);
  const name = decode(segment)
    // deno-lint-ignore no-control-regex -- control characters are what this is about
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069/\\]/g, "_")
    .replace(/^\./, "_")
    .trim();
  if (name === "") {
    throw new FerryError("usage", `${quote(url.href)} has no file name at its end; --output FILE gives one`);
  }
  return shorten(name);
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    // Not UTF-8: better the escapes than a guess.
    return segment;
  }
}

/** Cut in the middle, so that the extension stays. */
function shorten(name: string): string {
  const size = (text: string) => new TextEncoder().encode(text).length;
  if (size(name) <= MAX_BYTES) return name;
  const extension = /\.[A-Za-z0-9]{1,10}$/.exec(name)?.[0] ?? "";
  const characters = [...name.slice(0, name.length - extension.length)];
  let left = MAX_BYTES - extension.length;
  let stem = "";
  for (const character of characters) {
    left -= size(character);
    if (left < 0) break;
    stem += character;
  }
  return stem + extension;
}
