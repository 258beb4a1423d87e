/** The `Destination` header of MOVE and COPY (RFC 4918 section 10.3). */

/** The raw path that it names on this server, or why it names none. */
export type Destination =
  | { kind: "path"; path: string }
  | { kind: "malformed" }
  | { kind: "elsewhere" };

/**
 * Reads a `Destination`: an absolute path, or an absolute URL whose authority is this request's `Host`. The path
 * stays raw, for the one function that reads paths.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(parseDestination("http://a:1/b/c", "a:1"), { kind: "path", path: "/b/c" });
 * assertEquals(parseDestination("http://other/b", "a:1"), { kind: "elsewhere" });
 * ```
 */
export function parseDestination(header: string, host: string | null): Destination {
  if (/[?#\s]/.test(header)) return { kind: "malformed" };
  if (header.startsWith("/")) {
    return header.startsWith("//") ? { kind: "malformed" } : { kind: "path", path: header };
  }
  const match = /^([a-z][a-z0-9+.-]*):\/\/([^/]*)(\/.*)$/i.exec(header);
  if (match === null) return { kind: "malformed" };
  const [, scheme, authority, path] = match;
  if (!/^https?$/i.test(scheme) || host === null || authority.toLowerCase() !== host.toLowerCase()) {
    return { kind: "elsewhere" };
  }
  return { kind: "path", path };
}
