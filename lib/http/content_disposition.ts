/** The `Content-Disposition` header of an answer (RFC 6266). */

/**
 * `attachment`, with `name` as the name to store under. A name that is not plain ASCII travels twice: spelled out in
 * `filename*` (RFC 8187), and for old readers with `_` for what they could take for something else.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(attachment("a b.txt"), 'attachment; filename="a b.txt"');
 * assertEquals(attachment("é.txt"), "attachment; filename=\"_.txt\"; filename*=UTF-8''%C3%A9.txt");
 * ```
 */
export function attachment(name: string): string {
  // RFC 6266 appendix D: some readers take a percent sign for an escape, and some stop at a backslash.
  const plain = name.replace(/[^\x20-\x7e]|["%\\]/gu, "_");
  const simple = `attachment; filename="${plain}"`;
  return plain === name ? simple : `${simple}; filename*=UTF-8''${extValue(name)}`;
}

/** The `value-chars` of RFC 8187 section 3.2.1: UTF-8, and escaped what is no `attr-char`. */
function extValue(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(
    /['()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** A parameter: its name, and its value as a token or a quoted string (RFC 9110 sections 5.6.2, 5.6.4 and 5.6.6). */
const PARAMETER =
  /;[ \t]*(?:([!#$%&'*+.^_`|~\w-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\[^])*)"|([^\s";,]*)))?[ \t]*/y;

/**
 * The file name in `value`, a header whose characters are its bytes; null when it has none. `filename*` in UTF-8 or
 * ISO-8859-1 goes before `filename` (RFC 6266 section 4.3). What comes back is not safe to store under.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(dispositionName("attachment; filename=\"a\"; filename*=UTF-8''%C3%A9.txt"), "é.txt");
 * ```
 */
export function dispositionName(value: string): string | null {
  const found = new Map<string, string>();
  // Many servers leave out the type.
  const type = /^[ \t]*[!#$%&'*+.^_`|~\w-]*[ \t]*(?=;|$)/.exec(value)?.[0];
  const text = type === undefined ? ";" + value : value;
  for (PARAMETER.lastIndex = type?.length ?? 0;;) {
    const match = PARAMETER.exec(text);
    if (match === null) break;
    const [, name, quoted, token] = match;
    if (name === undefined || found.has(name.toLowerCase())) continue;
    found.set(name.toLowerCase(), quoted === undefined ? token : quoted.replace(/\\([^])/g, "$1"));
  }
  const extended = found.get("filename*");
  const plain = found.get("filename");
  return (extended === undefined ? null : decodeExtValue(extended)) ?? (plain ? asUtf8(plain) : null);
}

/** `UTF-8''%C3%A9.txt` as text; RFC 8187 section 3.2. Null when it is not that. */
function decodeExtValue(value: string): string | null {
  const match = /^(utf-8|iso-8859-1)'[^']*'((?:[^%]|%[0-9a-f]{2})+)$/i.exec(value);
  if (match === null) return null;
  const bytes = match[2].replace(/%(..)/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  if (match[1].toLowerCase() === "iso-8859-1") return bytes;
  try {
    return decodeUtf8(bytes);
  } catch {
    return null;
  }
}

/** Bytes above 0x7f are mostly UTF-8, whatever the RFC says; else they are ISO-8859-1. */
function asUtf8(bytes: string): string {
  try {
    return decodeUtf8(bytes);
  } catch {
    return bytes;
  }
}

function decodeUtf8(bytes: string): string {
  return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(bytes, (c) => c.charCodeAt(0)));
}
