/**
 * From what a listing says to a name below the folder here. A server says what it likes: nothing but one name of an
 * entry right in the folder gets through. Pure.
 */
import { nameProblem, RESERVED_NAME } from "../../core/paths.ts";
import type { Refused } from "./listed.ts";

/** What a link in a listing is about. */
export type Child =
  | { kind: "child"; name: string; slash: boolean }
  /** The folder itself, one above, another order of the same listing, another host: none of ours. */
  | { kind: "other" }
  | ({ kind: "refused" } & Refused);

const OTHER: Child = { kind: "other" };

/** Why `name` is not written here, or null. Undefined for one that is passed over in silence. */
export function localNameProblem(name: string): string | null | undefined {
  if (name === RESERVED_NAME) return undefined;
  if (name.includes("\\")) return "a backslash in a name";
  // Files on their way have such names.
  if (/\.ferry-part(?:\.json)?$/i.test(name)) return "a name that ferry gives to what is not whole yet";
  return nameProblem(name);
}

/**
 * The entry that `href` leads to, seen from the folder at `base`, whose path ends in a slash. Hosts, paths and dot
 * segments are resolved as a browser would (WHATWG URL); then it must be one name more than `base`, both decoded.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const base = new URL("http://host/pub/");
 * assertEquals(childOf("a%20b/", base), { kind: "child", name: "a b", slash: true });
 * assertEquals(childOf("/pub/../etc/passwd", base), { kind: "other" });
 * ```
 */
export function childOf(href: string, base: URL): Child {
  // The ordinary case: nothing in it that could be more than a name.
  if (/^(?!\.\.?\/?$)[A-Za-z0-9._~-]+\/?$/.test(href)) {
    const slash = href.endsWith("/");
    return judged(slash ? href.slice(0, -1) : href, slash);
  }
  // A link to nothing but a query is another order of the same listing; one with a query is no plain file.
  if (href === "" || /[?#]/.test(href)) return OTHER;
  if (/[\\\t\r\n]/.test(href)) return { kind: "refused", name: href, why: "a character that no URL has" };
  const url = URL.parse(href, base);
  if (url === null || url.origin !== base.origin || url.username !== "" || url.password !== "") return OTHER;
  const path = url.pathname.split("/");
  const slash = path.at(-1) === "";
  if (slash) path.pop();
  const raw = path.pop();
  if (!raw || !sameNames(path, base.pathname.split("/").slice(0, -1))) return OTHER;
  if (/%(?:2f|5c|00)/i.test(raw)) {
    return { kind: "refused", name: raw, why: "an encoded slash, backslash or NUL byte" };
  }
  const name = decode(raw);
  if (name === null) return { kind: "refused", name: raw, why: "not valid UTF-8" };
  return judged(name, slash);
}

/** Whether two URLs have the same path, whatever the spelling of its characters. */
export function samePlace(one: URL, other: URL): boolean {
  return sameNames(one.pathname.split("/"), other.pathname.split("/"));
}

function sameNames(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((name, at) => {
    if (name === other[at]) return true;
    const decoded = decode(name);
    return decoded !== null && decoded === decode(other[at]);
  });
}

function judged(name: string, slash: boolean): Child {
  const why = localNameProblem(name);
  if (why === undefined) return OTHER;
  return why === null ? { kind: "child", name, slash } : { kind: "refused", name, why };
}

/** Null for what is not UTF-8, percent-encoded. */
function decode(segment: string): string | null {
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
}
