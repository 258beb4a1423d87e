/** Names for files that come from a server. All pure. */
import { FerryError, quote } from "../core/errors.ts";
import { dispositionName } from "../http/content_disposition.ts";

/** What a file system has for a name. */
const NAME_BYTES = 255;
/** The note of a file whose name the server gives is found by it: NAME.ferry-part.json must fit. */
const MAX_BYTES = NAME_BYTES - ".ferry-part.json".length;
/** What the program itself trusts when it goes on with a download: never named by a server. */
const OWN_SUFFIX = /\.ferry-part(\.json)?$/i;
const EXTENSION = /(?<=.)(\.tar)?\.[A-Za-z0-9]{1,10}$/;

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
  const name = harmless(lastSegment(url), NAME_BYTES);
  if (name === "") {
    throw new FerryError("usage", `${quote(url.href)} has no file name at its end; --output FILE gives one`);
  }
  return name;
}

/** What a server says about the name of what it sends. */
export interface NamedAnswer {
  headers: { get(name: string): string | null };
  /** Where the answer came from in the end. */
  url: URL;
}

/**
 * The file name that the server gave: of `Content-Disposition`, else where it redirected to, else that of the URL.
 * As harmless as one of `remoteName`, and no flag for those who list it (`-rf`). Throws `usage` when there is none.
 */
export function serverName(answer: NamedAnswer): string {
  const told = dispositionName(answer.headers.get("content-disposition") ?? "");
  // RFC 6266 section 4.3: of a path, what stands after its last separator.
  const candidates = [told?.split(/[/\\]/).at(-1) ?? "", lastSegment(answer.url)];
  for (const candidate of candidates) {
    const name = harmless(withoutEnd(candidate)).replace(/^-/, "_");
    if (name !== "") return name;
  }
  throw new FerryError(
    "usage",
    `${quote(answer.url.href)}: neither the server nor the URL gives a file name; --output FILE does`,
  );
}

/** Without the dots and blanks at its end. A regular expression would take the square of its length. */
function withoutEnd(name: string): string {
  let end = name.length;
  while (end > 0 && /[.\s]/.test(name[end - 1])) end--;
  return name.slice(0, end);
}

function lastSegment(url: URL): string {
  return decode(url.pathname.slice(url.pathname.lastIndexOf("/") + 1));
}

/** Most names, of which nothing is to be changed. */
const HARMLESS = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}$/;

/**
 * `name` without what makes it a path, hides it, or misleads whoever reads it, and at most `most` bytes long; empty when
 * nothing is left.
 */
function harmless(name: string, most = MAX_BYTES): string {
  if (HARMLESS.test(name) && !OWN_SUFFIX.test(name)) return name;
  const one = name.toWellFormed()
    // deno-lint-ignore no-control-regex -- control characters are what this is about
    .replace(/[\u0000-\u001f\u007f-\u009f\u061c\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069/\\]/g, "_")
    .trim()
    .replace(/^\./, "_");
  return shorten(one, { most }).replace(OWN_SUFFIX, "_ferry-part$1");
}

/**
 * `name` with a number before its extension, as browsers do it.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(numbered("a.tar.gz", 1), "a (1).tar.gz");
 * ```
 */
export function numbered(path: string, number: number): string {
  if (number === 0) return path;
  const slash = path.lastIndexOf("/") + 1;
  const name = path.slice(slash);
  const extension = EXTENSION.exec(name)?.[0] ?? "";
  const stem = name.slice(0, name.length - extension.length);
  return path.slice(0, slash) +
    shorten(`${stem} (${number})${extension}`, { end: ` (${number})${extension}` });
}

function decode(segment: string): string {
  if (!segment.includes("%")) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    // Not UTF-8: better the escapes than a guess.
    return segment;
  }
}

/** Cut in the middle, so that what stands at its `end` stays: the extension. */
function shorten(name: string, { most = MAX_BYTES, end }: { most?: number; end?: string }): string {
  const size = (text: string) => new TextEncoder().encode(text).length;
  if (size(name) <= most) return name;
  const last = end ?? /\.[A-Za-z0-9]{1,10}$/.exec(name)?.[0] ?? "";
  const characters = [...name.slice(0, name.length - last.length)];
  let left = most - size(last);
  let stem = "";
  for (const character of characters) {
    left -= size(character);
    if (left < 0) break;
    stem += character;
  }
  return stem + last;
}
