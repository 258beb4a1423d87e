/** Entity tags (RFC 9110 section 8.8.3). */

/** What a file's tag is made of: any change of content changes at least one of these. */
export interface FileState {
  size: number;
  /** Milliseconds since 1970. */
  mtime: number;
  ino: number | null;
  dev: number;
}

/** The strong tag of a file, quotes included. */
export function fileEtag(state: FileState): string {
  return `"${state.mtime.toString(36)}-${state.size.toString(36)}-${(state.ino ?? 0).toString(36)}-${
    state.dev.toString(36)
  }"`;
}

/**
 * The tag of a file in `coding`, made of the file's own `etag`; `of` is that of another file that holds it in the coding.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(codedEtag('"a-b"', "br"), '"a-b:br"');
 * assertEquals(plainEtags('"a-b:br", "c"'), '"a-b", "c"');
 * ```
 */
export function codedEtag(etag: string, coding: string, of?: string): string {
  return `${etag.slice(0, -1)}:${coding}${of === undefined ? "" : `:${of.slice(1, -1)}`}"`;
}

/**
 * A list of tags with those of files in a coding as the tags of the files themselves: whoever was sent a coded file, and
 * changes it, means the file.
 */
export function plainEtags(header: string): string {
  return header.replace(/("[0-9a-z-]+):[0-9a-z:-]+"/g, '$1"');
}

/** A list of tags as `If-Match` and `If-None-Match` carry it, or `*`. */
export type EtagList = "*" | string[];

/**
 * Reads a list of tags, weak ones with their `W/`. What is not a tag ends the reading: the tags before it count.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(parseEtagList('"a", W/"b"'), ['"a"', 'W/"b"']);
 * ```
 */
export function parseEtagList(header: string): EtagList {
  if (header.trim() === "*") return "*";
  const tags: string[] = [];
  const pattern = /[\s,]*((?:W\/)?"[\x21\x23-\x7e\x80-\xff]*")\s*(?=,|$)/y;
  for (let match = pattern.exec(header); match !== null; match = pattern.exec(header)) tags.push(match[1]);
  return tags;
}

/** Strong comparison: the same bytes; a weak tag equals nothing. */
export function strongEqual(a: string, b: string): boolean {
  return a === b && !a.startsWith("W/");
}

/** Weak comparison: the same tag, whatever its strength. */
export function weakEqual(a: string, b: string): boolean {
  return opaque(a) === opaque(b);
}

function opaque(tag: string): string {
  return tag.startsWith("W/") ? tag.slice(2) : tag;
}
