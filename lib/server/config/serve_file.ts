/**
 * What `ferry serve --config FILE` reads: its keys, and what they mean. Most are flags of `serve` under the flags' own
 * names, so that there is one word, one range and one description for a thing.
 */
import type { FlagTable } from "../../cli/flags.ts";
import { ConfigFile } from "../../cli/config/config_file.ts";
import { aboutKey, flagKeys } from "../../cli/config/flag_file.ts";
import { pathProblem } from "../../core/paths.ts";
import { parseSecret } from "../password.ts";
import type { Keys, Shape, TextShape } from "../../cli/config/shape.ts";

/** Flags that say how one share is served: they may stand in a share too, and at the top speak for all shares. */
export const SHARE_FLAGS: readonly string[] = [
  "hidden",
  "follow-symlinks",
  "index",
  "spa",
  "compress",
  "precompressed",
  "archive",
  "max-age",
  "cors",
  "max-upload",
];

/** Flags that a file says in its own way. */
export const OWN_FLAGS: readonly string[] = ["anonymous", "writable", "auth", "users"];

/** Flags that are about one start of the program. */
export const LINE_FLAGS: readonly string[] = ["config", "check-config", "explain"];

/** What a file says of one share. */
export interface FileShare {
  folder: string;
  path?: string;
  host?: string | string[];
  anonymous?: FilePerms;
  writable?: boolean;
  users?: ReadonlyMap<string, FilePerms>;
  /** By the names of flags, as flags give their values. */
  [flag: string]: unknown;
}

/** Permissions at the top, or by path. */
export type FilePerms = string | ReadonlyMap<string, string>;

/** What a file says of one user. */
export interface FileUser {
  password: string;
  rules?: FilePerms;
}

/** What a file says. */
export interface ServeFile {
  anonymous?: FilePerms;
  writable?: boolean;
  /** A file of users, or the users themselves. */
  users?: string | ReadonlyMap<string, FileUser>;
  shares?: readonly FileShare[];
  /** By the names of flags, as flags give their values. */
  [flag: string]: unknown;
}

/** A file that was read. */
export class ReadServeFile extends ConfigFile<ServeFile> {
  /** Reads `text`, which stands at `path`, by the flags of `serve`. */
  constructor(path: string, text: string, flags: FlagTable) {
    super(path, text, serveShape(flags));
  }
}

/** `flags` with what a file says, for all shares, in place of those that were not given. */
export function overFlags<F extends object>(flags: F, given: ReadonlySet<string>, file: ServeFile): F {
  const said = Object.entries(file).filter(([name]) =>
    Object.hasOwn(flags, name) && !given.has(name) && !OWN_FLAGS.includes(name)
  );
  return { ...flags, ...Object.fromEntries(said) };
}

/** The same with what it says of one share. */
export function overShareFlags<F extends object>(flags: F, given: ReadonlySet<string>, share: FileShare): F {
  const said = Object.entries(share).filter(([name]) => SHARE_FLAGS.includes(name) && !given.has(name));
  return { ...flags, ...Object.fromEntries(said) };
}

/** The shape of a file, by the flags of `serve`. */
export function serveShape(flags: FlagTable): Shape {
  return { kind: "object", keys: serveKeys(flags).file };
}

/** The keys of a file, of a share in it, and of a user, by the flags of `serve`. */
export function serveKeys(flags: FlagTable): { file: Keys; share: Keys; user: Keys } {
  const own = Object.keys(flags).filter((name) => !LINE_FLAGS.includes(name) && !OWN_FLAGS.includes(name));
  const keysOf = (names: readonly string[]) => flagKeys(flags, names);
  const share: Keys = {
    folder: {
      shape: { kind: "text", what: "a folder", path: true },
      about: "The folder to share",
      required: true,
    },
    path: { shape: URL_PATH, about: "The URL path that it is at (default /)" },
    host: {
      shape: { kind: "either", of: [HOST_NAME, { kind: "list", of: HOST_NAME }] },
      about: "The host names that it is for (default: all that no share names)",
    },
    anonymous: {
      shape: PERMISSIONS,
      about: "What anybody may do in it, in place of what the server says; paths start at the share",
    },
    writable: { shape: WRITABLE, about: 'The same as "anonymous": "rwd" for this share' },
    users: {
      shape: { kind: "map", key: USER_NAME, of: PERMISSIONS },
      about:
        "What each user may do in it, in place of what the server says; nobody else may do more than anybody",
    },
    ...keysOf(own.filter((name) => SHARE_FLAGS.includes(name))),
  };
  const user: Keys = {
    password: {
      shape: { kind: "text", what: "a password or its hash", check: secretProblem },
      about: "The password, best as a hash made by ferry token hash",
      required: true,
    },
    rules: { shape: PERMISSIONS, about: "What the user may do, everywhere or by URL path (default rwd)" },
  };
  return {
    file: {
      $schema: {
        shape: { kind: "text", what: "the URL of a schema" },
        about: "For editors; it means nothing here",
      },
      shares: {
        shape: { kind: "list", of: { kind: "object", keys: share } },
        about: "The folders that are served (default: the DIR of the command line, at /)",
      },
      users: { shape: usersShape(flags, user), about: "The users, by name" },
      anonymous: { shape: PERMISSIONS, about: "What anybody may do, everywhere or by URL path (default r)" },
      writable: { shape: WRITABLE, about: aboutKey(flags.writable) },
      ...keysOf(own),
    },
    share,
    user,
  };
}

/** Users by name; where there is a flag for a file of users, also that file. */
function usersShape(flags: FlagTable, user: Keys): Shape {
  const byName: Shape = { kind: "map", key: USER_NAME, of: { kind: "object", keys: user } };
  if (flags.users === undefined) return byName;
  return { kind: "either", of: [{ kind: "text", what: "a file of users", path: true }, byName] };
}

const WRITABLE: Shape = { kind: "flag", flag: { type: "boolean", about: "" } };

const PERMS: TextShape = {
  kind: "text",
  what: "letters of r, w, d, s, or none",
  pattern: /^(?:none|[rwds]+)$/,
};

const URL_PATH: TextShape = {
  kind: "text",
  what: "a URL path that starts with a slash",
  pattern: /^\//,
  check: (text) => {
    const problem = pathProblem(innerPath(text));
    return problem === null ? null : `must be a path as it is in a folder, not encoded; it has ${problem}`;
  },
};

const PERMISSIONS: Shape = { kind: "either", of: [PERMS, { kind: "map", key: URL_PATH, of: PERMS }] };

const HOST_NAME: TextShape = {
  kind: "text",
  what: "a host name or address without a port",
  pattern:
    /^(?:[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?)*|\[[0-9A-Fa-f:.]+\])$/,
};

/** What RFC 7617 lets a user be called; a colon would end the name. */
const USER_NAME: TextShape = {
  kind: "text",
  what: "a user name without colons and control characters",
  // deno-lint-ignore no-control-regex -- control characters are what this is about
  pattern: /^[^:\u0000-\u001f\u007f]+$/,
};

/** The checked relative path that a URL path of a file is. */
export function innerPath(path: string): string {
  return path.replace(/^\//, "").replace(/\/$/, "");
}

function secretProblem(text: string): string | null {
  return parseSecret(text) === null
    ? "starts with $scrypt$ but is not $scrypt$ln=15,r=8,p=1$SALT$HASH"
    : null;
}
