/** `Upload-Metadata`: what the client says of a file, and what Ferry takes from it. */
import { FerryError } from "../../core/errors.ts";
import { checkedPath, childPath } from "../../core/paths.ts";

/** Longer fields, or more keys, are nobody's names and times. */
const MAX_CHARS = 8192;
const MAX_KEYS = 100;

/** Base64 values by their keys. */
export type Metadata = ReadonlyMap<string, string>;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The pairs of a field, null for none. Throws `bad_request` when it is malformed.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(parseMetadata("filename YS50eHQ=,private"), new Map([["filename", "YS50eHQ="], ["private", ""]]));
 * ```
 */
export function parseMetadata(field: string | null): Metadata {
  const pairs = new Map<string, string>();
  if (field === null || field.trim() === "") return pairs;
  if (field.length > MAX_CHARS) throw malformed(`is over ${MAX_CHARS} bytes`);
  for (const part of field.split(",")) {
    const match = /^([\x21-\x2b\x2d-\x7e]+)(?: +([A-Za-z0-9+/]*={0,2}))? *$/.exec(part.trimStart());
    if (match === null) throw malformed("must be keys and Base64 values, as in filename YS50eHQ=");
    if (pairs.has(match[1])) throw malformed("has a key twice");
    if (pairs.size === MAX_KEYS) throw malformed(`has more than ${MAX_KEYS} keys`);
    pairs.set(match[1], match[2] ?? "");
  }
  return pairs;
}

/**
 * The path of the file that is to be: in `folder`, the one that the upload was created at. The name is `filename`,
 * or `name`, or else the last of `relativePath`, whose folders are made below. Throws `bad_request`.
 */
export function targetPath(folder: string, metadata: Metadata): string {
  const relative = readText(metadata, "relativePath")?.replace(/^\//, "") ?? "";
  const slash = relative.lastIndexOf("/");
  const name = readText(metadata, "filename") || readText(metadata, "name") || relative.slice(slash + 1);
  if (name === "") throw malformed("must have the name of the file as filename");
  if (name.includes("/")) throw malformed("has a filename with a slash; create the upload at its folder");
  const inner = slash === -1 ? name : childPath(relative.slice(0, slash), name);
  return checkedPath(childPath(folder, inner));
}

/** When the file was last changed, in ms since 1970; null where `mtime` is absent. Throws `bad_request`. */
export function readMtime(metadata: Metadata): number | null {
  const text = readText(metadata, "mtime");
  if (text === null) return null;
  if (!/^-?\d{1,14}$/.test(text)) throw malformed("has an mtime that is not in whole ms since 1970");
  return Number(text);
}

function readText(metadata: Metadata, key: string): string | null {
  const base64 = metadata.get(key);
  if (base64 === undefined) return null;
  try {
    return utf8.decode(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)));
  } catch {
    throw malformed(`has a ${key} that is not UTF-8 in Base64`);
  }
}

function malformed(why: string): FerryError {
  return new FerryError("bad_request", `Upload-Metadata ${why}`);
}
