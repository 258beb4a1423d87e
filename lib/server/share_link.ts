/**
 * Share links, `/.ferry/s/TOKEN/NAME`: a file or folder for whoever has the URL. The token is a part of the path, so that
 * the relative links of listings and pages in a shared folder work. Pure.
 */
import { baseName, parentPath, toUrlPath } from "../core/paths.ts";
import type { Grant } from "./grant.ts";

/** What the path of every share link starts with. */
export const LINK_PATH = "/.ferry/s/";

/** The token in a raw path that starts with `LINK_PATH`, and what follows it, raw, with its slash; null for no link. */
export function readLink(path: string): { token: string; rest: string } | null {
  const slash = path.indexOf("/", LINK_PATH.length);
  if (!path.startsWith(LINK_PATH) || slash === -1) return null;
  return { token: path.slice(LINK_PATH.length, slash), rest: path.slice(slash) };
}

/** The raw path in the share that `rest`, of a link with `grant`, stands for; whether it is allowed is another matter. */
export function linkTarget({ path }: Pick<Grant, "path">, rest: string): string {
  const above = parentPath(path);
  return (above === "" ? "" : toUrlPath(above)) + rest;
}

/**
 * The path of the link with `token`, which says `grant`; a folder has a slash at its end.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(formatLink("ferry1.x.y", { path: "docs/a b.txt" }, false), "/.ferry/s/ferry1.x.y/a%20b.txt");
 * assertEquals(formatLink("ferry1.x.y", { path: "" }, true), "/.ferry/s/ferry1.x.y/");
 * ```
 */
export function formatLink(token: string, { path }: Pick<Grant, "path">, folder: boolean): string {
  return LINK_PATH + token + toUrlPath(baseName(path), folder);
}

/**
 * A raw path or URL as a log may show it: whoever reads along gets no link that works.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(withoutToken("http://a/.ferry/s/ferry1.x.y/b?c"), "http://a/.ferry/s/[token]/b?c");
 * ```
 */
export function withoutToken(text: string): string {
  const start = text.indexOf(LINK_PATH);
  if (start === -1) return text;
  const end = text.indexOf("/", start + LINK_PATH.length);
  return `${text.slice(0, start + LINK_PATH.length)}[token]${end === -1 ? "" : text.slice(end)}`;
}
