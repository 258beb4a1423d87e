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
