/** The file of `--users`: a user a line, `NAME:$scrypt$...`, then perhaps `:/PATH:PERMS,/PATH:PERMS`. */
import { FerryError, osReason, quote } from "../core/errors.ts";
import { DEFAULT_PERMS, type User } from "./auth_flag.ts";
import { parseSecret } from "./password.ts";
import { parseRules } from "./rule.ts";

/** A larger file is none of ours: it has room for ten thousand users. */
const MAX_BYTES = 2 * 1024 * 1024;

/**
 * The users that `text`, the content of the file `path`, names. Empty lines and those that start with `#` say nothing.
 * Throws `usage` with the line that is wrong; no message holds a password or a hash.
 */
export function parseUsers(text: string, path: string): User[] {
  const users = new Map<string, User>();
  for (const [i, raw] of text.split("\n").entries()) {
    const line = raw.replace(/\r$/, "");
    if (line.trim() === "" || line.startsWith("#")) continue;
    const wrong = (why: string) => new FerryError("usage", `${quote(path)} line ${i + 1}: ${why}`);
    const match = /^([^:]+):([^:]*)(?::(.*))?$/.exec(line);
    if (match === null) throw wrong("must be NAME:HASH or NAME:HASH:/PATH:PERMS,...");
    const [, name, hash, paths] = match;
    const secret = parseSecret(hash);
    if (secret?.kind !== "scrypt") {
      throw wrong(`the user ${quote(name)} has no $scrypt$ hash; make one with ferry token hash`);
    }
    const rules = parseRules(paths ?? "/", DEFAULT_PERMS);
    if ("problem" in rules) throw wrong(rules.problem);
    if (users.has(name)) throw wrong(`the user ${quote(name)} comes twice`);
    users.set(name, { name, secret, rules });
  }
  return [...users.values()];
}

/** The users in the file at `path`. Throws `usage`, also when others than its owner may write to it. */
export function readUsers(path: string): User[] {
  let text: string;
  try {
    const { mode, isFile, size, uid } = Deno.statSync(path);
    if (!isFile || size > MAX_BYTES) throw wrongFile(path, "is no file of users");
    if (mode !== null && (mode & 0o022) !== 0) {
      throw wrongFile(path, `others may write to it (mode ${(mode & 0o777).toString(8)}); chmod go-w it`);
    }
    if (uid !== null && uid !== 0 && uid !== Deno.uid()) {
      throw wrongFile(path, "it is neither this user's nor root's");
    }
    text = Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof FerryError) throw error;
    throw wrongFile(path, osReason(error));
  }
  return parseUsers(text, path);
}

function wrongFile(path: string, why: string): FerryError {
  return new FerryError("usage", `--users ${quote(path)}: ${why}`);
}
