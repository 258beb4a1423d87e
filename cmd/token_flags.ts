/** What the commands about tokens have in common. */
import type { FlagTable, FlagValues } from "../lib/cli/flags.ts";
import type { Io } from "../lib/cli/io.ts";
import { readSecret } from "../lib/cli/secret_input.ts";
import { formatTime } from "../lib/cli/units.ts";
import { FerryError, quote } from "../lib/core/errors.ts";
import { newGrantId } from "../lib/server/capability.ts";
import type { Grant } from "../lib/server/grant.ts";
import { readLink } from "../lib/server/share_link.ts";
import { readTokenKey } from "../lib/server/token_key.ts";

/** No token holds longer: one that is lost should end some day. */
const LONGEST_MS = 3650 * 24 * 60 * 60 * 1000;

export const KEY_FLAG = {
  "token-key": { type: "string", value: "FILE", about: "the server's key, see ferry token key" },
} as const satisfies FlagTable;

export const STATE_FLAG = {
  "state-dir": {
    type: "string",
    value: "DIR",
    about: "the server's --state-dir (default: ferry/ in $XDG_STATE_HOME or ~/.local/state)",
  },
} as const satisfies FlagTable;

/** How long and how often. */
export const LIMIT_FLAGS = {
  uses: {
    type: "integer",
    value: "N",
    min: 1,
    max: 1e9,
    about: "so many requests that succeed (default: any)",
  },
  bytes: { type: "size", value: "SIZE", about: "so many bytes, sent and received together (default: any)" },
  user: {
    type: "string",
    value: "NAME",
    about: "no more than this user of the server may do, and nothing once that user is gone",
  },
} as const satisfies FlagTable;

/** The key that a flag names. Throws `usage` when it is missing or the file is not fit. */
export function keyOf(flags: FlagValues<typeof KEY_FLAG>): Uint8Array {
  const path = flags["token-key"];
  if (path === undefined) {
    throw new FerryError("usage", "--token-key FILE is missing; ferry token key makes one");
  }
  return readTokenKey(path);
}

/** A new grant with what the flags say of its limits. */
export function newGrant(
  part: Pick<Grant, "path" | "perms">,
  flags: FlagValues<typeof LIMIT_FLAGS> & { expires: number },
): Grant {
  const { expires, uses, bytes, user } = flags;
  if (expires < 1000 || expires > LONGEST_MS) {
    throw new FerryError("usage", "--expires must be between 1s and 3650d");
  }
  if (bytes === 0) throw new FerryError("usage", "--bytes 0 would allow nothing");
  if (user === "") throw new FerryError("usage", "--user must be a name");
  const grant: Grant = { id: newGrantId(), ...part, expires: Date.now() + expires };
  if (user !== undefined) grant.user = user;
  if (uses !== undefined) grant.uses = uses;
  if (bytes !== undefined) grant.bytes = bytes;
  return grant;
}

/** Tells what was made: on stdout the text by itself, or all of it as JSON. */
export function tellMade(
  io: Io,
  made: { kind: "token" | "url"; text: string; grant: Grant; perms: string },
  flags: { json: boolean; quiet: boolean },
): void {
  const { kind, text, grant, perms } = made;
  const { id, path, expires, ...limits } = grant;
  const until = new Date(expires);
  if (flags.json) {
    const said = { ...limits, id, path: `/${path}`, perms, expires: until.toISOString() };
    return io.out(JSON.stringify({ [kind]: text, ...said }) + "\n");
  }
  io.out(text + "\n");
  if (!flags.quiet) {
    io.err(`ferry: ${perms} at /${quote(path)} until ${formatTime(until)}; its id is ${id}\n`);
  }
}

/** The token that an argument is: itself, in a share link, or (`-`) a line on stdin. */
export async function tokenArgument(text: string, io: Io): Promise<string> {
  const given = (text === "-" ? await readSecret(io, "Token: ") : text).trim();
  if (!URL.canParse(given)) return given;
  const link = readLink(new URL(given).pathname);
  if (link === null) throw new FerryError("usage", "the URL is no share link: it has no /.ferry/s/ in it");
  return link.token;
}
