/**
 * The one place where a path from outside (a URL, a message of the sync API) becomes a path below a root. Nothing
 * else joins paths. A relative path here is `""` for the root itself, or names joined by single slashes; it never
 * starts or ends with a slash.
 */
import { FerryError } from "./errors.ts";

/** Ferry's own state in a shared folder: never served, listed or synced, at any depth. */
export const RESERVED_NAME = ".ferry";

/** Linux's and every other common limit of one name. */
const MAX_NAME_BYTES = 255;

/** Room for the 4,096 bytes of PATH_MAX less a root of ordinary length. */
export const MAX_PATH_BYTES = 4000;

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Why `name` cannot be the name of one entry, or null when it can. */
export function nameProblem(name: string): string | null {
  if (name === "") return "an empty name";
  if (name === "." || name === "..") return "a dot segment";
  if (name === RESERVED_NAME) return "a reserved name";
  if (name.includes("/")) return "a slash in a name";
  if (name.includes("\0")) return "a NUL byte";
  if (!name.isWellFormed()) return "not valid Unicode";
  // No UTF-16 unit takes more than three bytes of UTF-8.
  if (name.length * 3 > MAX_NAME_BYTES && encoder.encode(name).length > MAX_NAME_BYTES) {
    return "a name over 255 bytes";
  }
  return null;
}

/** Why `path` is not a path below a root, or null when it is one. The root itself (`""`) is fine. */
export function pathProblem(path: string): string | null {
  if (path === "") return null;
  if (path.length * 3 > MAX_PATH_BYTES && encoder.encode(path).length > MAX_PATH_BYTES) {
    return `a path over ${MAX_PATH_BYTES} bytes`;
  }
  for (const name of path.split("/")) {
    const problem = nameProblem(name);
    if (problem !== null) return problem;
  }
  return null;
}

/** `path` when it is a path below a root; throws `bad_request` that says what is wrong. */
export function checkedPath(path: string): string {
  const problem = pathProblem(path);
  if (problem !== null) throw new FerryError("bad_request", `the path is refused: ${problem}`);
  return path;
}

/** What a URL path names: `path` below the root, and whether it was written with a slash at its end. */
export interface UrlPath {
  path: string;
  slash: boolean;
}

/**
 * Reads the path of a request target, raw, as it stood on the request line (RFC 9110 section 4.2.3, RFC 3986).
 *
 * Throws `bad_request` for what can only be an attack or a mistake (dot segments, encoded slashes, backslashes,
 * fragments, NUL, broken percent-encoding, bytes that are not UTF-8, empty segments), and `not_found` for reserved names, so
 * that these look like any other path that is not there.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(parseUrlPath("/a%20b/c/"), { path: "a b/c", slash: true });
 * ```
 */
export function parseUrlPath(raw: string): UrlPath {
  if (!raw.startsWith("/")) throw refused("it does not start with a slash");
  if (raw === "/") return { path: "", slash: true };
  const slash = raw.endsWith("/");
  const inner = raw.slice(1, slash ? -1 : undefined);
  const names = inner.split("/").map(decodeSegment);
  for (const name of names) {
    const problem = nameProblem(name);
    if (problem === "a reserved name") throw new FerryError("not_found", "there is nothing at this path");
    if (problem !== null) throw refused(problem);
  }
  const path = names.join("/");
  const isLong = path.length * 3 > MAX_PATH_BYTES && encoder.encode(path).length > MAX_PATH_BYTES;
  if (isLong) throw refused(`it is over ${MAX_PATH_BYTES} bytes`);
  return { path, slash };
}

function refused(why: string): FerryError {
  return new FerryError("bad_request", `the path is refused: ${why}`);
}

/** One segment of a URL path, percent-decoded; characters above 0x7f are raw bytes, as an HTTP parser gives them. */
function decodeSegment(segment: string): string {
  if (/^[A-Za-z0-9._~!$&'()*+,;=:@ -]*$/.test(segment)) return segment;
  const bytes = new Uint8Array(segment.length);
  let length = 0;
  for (let i = 0; i < segment.length; i++) {
    let code = segment.charCodeAt(i);
    if (code === 0x25) {
      const hex = segment.slice(i + 1, i + 3);
      if (!/^[0-9A-Fa-f]{2}$/.test(hex)) throw refused("broken percent-encoding");
      code = parseInt(hex, 16);
      if (code === 0x2f || code === 0x5c) throw refused("an encoded slash or backslash");
      i += 2;
    } else if (code === 0x5c) {
      throw refused("a backslash");
    } else if (code === 0x23) {
      // Whoever drops it, as clients do, would see another path than whoever keeps it.
      throw refused("a fragment");
    } else if (code > 0xff) {
      throw refused("not valid UTF-8");
    }
    if (code === 0) throw refused("a NUL byte");
    bytes[length++] = code;
  }
  try {
    return strictDecoder.decode(bytes.subarray(0, length));
  } catch {
    throw refused("not valid UTF-8");
  }
}

/** The URL path of `path`, percent-encoded, with a slash at its end when `slash`. */
export function toUrlPath(path: string, slash = false): string {
  if (path === "") return "/";
  return "/" + path.split("/").map(encodeSegment).join("/") + (slash ? "/" : "");
}

/** One name as a URL path segment. A name made of dots alone cannot occur: `nameProblem` refuses it. */
export function encodeSegment(name: string): string {
  if (/^[A-Za-z0-9._~-]*$/.test(name)) return name;
  return encodeURIComponent(name).replace(
    /[!'()*]/g,
    (c) => "%" + c.charCodeAt(0).toString(16).toUpperCase(),
  );
}

/** `dir` and `name` joined; both already checked. */
export function childPath(dir: string, name: string): string {
  return dir === "" ? name : dir + "/" + name;
}

/** The folder that `path` lies in; the root for a top-level path. */
export function parentPath(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash === -1 ? "" : path.slice(0, slash);
}

/** The last name of `path`. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** Whether `path` is `ancestor` or lies below it. */
export function isWithin(path: string, ancestor: string): boolean {
  return ancestor === "" || path === ancestor || path.startsWith(ancestor + "/");
}

/** The path in the file system of the checked relative `path` below `root`. */
export function joinRoot(root: string, path: string): string {
  if (path === "") return root;
  return root === "/" ? "/" + path : root + "/" + path;
}

/** Whether a name is hidden by the Unix convention. */
export function isHidden(path: string): boolean {
  return path.startsWith(".") || path.includes("/.");
}
