/** What a token says: a part of somebody's permissions, for a while. Pure. */
import { FerryError } from "../core/errors.ts";
import { pathProblem } from "../core/paths.ts";
import { type Fields, integer, isObject, text } from "../wire/fields.ts";
import { formatPerms, parsePerms, type PermSet } from "./access.ts";

/** What a token says. */
export interface Grant {
  /** Names it where it is counted and revoked, and in logs. */
  id: string;
  /** Whose permissions it narrows, null for somebody who is not logged in. Absent: those of whoever holds the key, all. */
  user?: string | null;
  /** It holds here and below. */
  path: string;
  perms: PermSet;
  /** When it ends, in ms since 1970. */
  expires: number;
  /** So many requests may be made with it. */
  uses?: number;
  /** So many bytes of bodies may pass with it, both ways together. */
  bytes?: number;
  /** It stands in a URL, and nowhere else. */
  link?: true;
  /** The host name that it was made for, lower case: it is for the shares of that one. Absent: for those of all. */
  host?: string;
  /** The SHA-256, in hex, that the file at `path` has to have. */
  sha256?: string;
}

/** The fields of a grant as JSON has them; one that is not among them may be a limit that this version cannot keep. */
const FIELDS = new Set(["id", "user", "path", "perms", "expires", "uses", "bytes", "link", "host", "sha256"]);

/** `grant` as JSON, the path as in a URL but not encoded. */
export function formatGrant({ path, perms, ...rest }: Grant): string {
  return JSON.stringify({ ...rest, path: `/${path}`, perms: formatPerms(perms) });
}

/** The grant that `json` is; null for what is none, or has what this version does not know. */
export function parseGrant(json: string): Grant | null {
  try {
    const fields: unknown = JSON.parse(json);
    return isObject(fields) ? readGrant(fields) : null;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof FerryError) return null;
    throw error;
  }
}

function readGrant(fields: Fields): Grant | null {
  if (Object.keys(fields).some((name) => !FIELDS.has(name))) return null;
  const path = text(fields, "path");
  const perms = parsePerms(text(fields, "perms"));
  const id = text(fields, "id");
  if (!path.startsWith("/") || pathProblem(path.slice(1)) !== null || perms === null || !isGrantId(id)) {
    return null;
  }
  const grant: Grant = { id, path: path.slice(1), perms, expires: integer(fields, "expires") };
  if (fields.user !== undefined) grant.user = fields.user === null ? null : text(fields, "user");
  if (fields.uses !== undefined) grant.uses = integer(fields, "uses", 1);
  if (fields.bytes !== undefined) grant.bytes = integer(fields, "bytes", 1);
  if (fields.sha256 !== undefined) {
    if (!isHexSha256(fields.sha256)) return null;
    grant.sha256 = fields.sha256;
  }
  if (fields.host !== undefined) {
    const host = text(fields, "host", 255);
    if (!/^[a-z0-9._:[\]-]+$/.test(host)) return null;
    grant.host = host;
  }
  if (fields.link !== undefined) {
    if (fields.link !== true) return null;
    grant.link = true;
  }
  // What pins a content is for links, which lead to one file.
  const odd = grant.link === undefined && grant.sha256 !== undefined;
  return odd ? null : grant;
}

/** Whether `text` can be the id of a grant: 12 bytes in hex, which no shell and no command takes for anything else. */
export function isGrantId(text: string): boolean {
  return /^[0-9a-f]{24}$/.test(text);
}

/** Whether `value` is a SHA-256, 64 lower-case hex digits. */
function isHexSha256(value: unknown): value is string {
  return typeof value === "string" && /^[0-9a-f]{64}$/.test(value);
}
