/** The target of a request, raw: nothing here normalises dot segments or decodes anything. */

/** A request target in two parts, both as they came. */
export interface RawTarget {
  /** Starts with a slash; empty for a target without a path (CONNECT). */
  path: string;
  /** Starts with `?`, or is empty. */
  query: string;
}

/**
 * Path and query of a request's URL as the runtime gives it, `SCHEME://AUTHORITY` and then what stood on the request
 * line. `new URL()` would resolve `..` before anybody can refuse it.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(rawTarget("http://a:1/x/../y?q"), { path: "/x/../y", query: "?q" });
 * ```
 */
export function rawTarget(url: string): RawTarget {
  const start = url.indexOf("/", url.indexOf("//") + 2);
  if (start === -1) return { path: "", query: "" };
  const mark = url.indexOf("?", start);
  if (mark === -1) return { path: url.slice(start), query: "" };
  return { path: url.slice(start, mark), query: url.slice(mark) };
}

/**
 * The authority that a request is for, `HOST` or `HOST:PORT`: the runtime puts it into the URL, from the target in
 * absolute form (RFC 9112 section 3.2.2), from `:authority`, or from `Host`.
 */
export function authorityOf(url: string): string {
  const start = url.indexOf("//") + 2;
  const end = url.indexOf("/", start);
  return url.slice(start, end === -1 ? undefined : end);
}

/**
 * Whether a `Host` header (null for none) names a host and nothing more. The runtime puts it in front of the path
 * unchecked, so one with a slash in it would move the path.
 */
export function isHost(host: string | null): boolean {
  return host === null || /^[A-Za-z0-9._~%!$&'()*+;=:[\]-]*$/.test(host);
}

/** The value of `name` in a raw query, decoded; null when it is not there, undefined when it is malformed. */
export function queryValue(query: string, name: string): string | null | undefined {
  if (!query.includes(name)) return null;
  for (const pair of query.slice(1).split("&")) {
    const equals = pair.indexOf("=");
    if ((equals === -1 ? pair : pair.slice(0, equals)) !== name) continue;
    try {
      return decodeURIComponent(equals === -1 ? "" : pair.slice(equals + 1).replaceAll("+", " "));
    } catch {
      return undefined;
    }
  }
  return null;
}
