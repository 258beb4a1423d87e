/** Reads `--auth USER:PASSWORD[@PATH[:PERMS],...]`. Messages never hold the password. */
import { FerryError, quote } from "../core/errors.ts";
import type { Rule } from "./access.ts";
import { parseSecret, type Secret } from "./password.ts";
import { parseRules } from "./rule.ts";

/** One user of a server. */
export interface User {
  name: string;
  secret: Secret;
  rules: readonly Rule[];
}

/** What a user may do who was given no PATH. */
export const DEFAULT_PERMS = "rwd";

/** The users of all `--auth` values. Throws `usage` for bad syntax and for a name that comes twice. */
export function parseAuthFlags(values: readonly string[]): User[] {
  const users = values.map(parseAuthFlag);
  const seen = new Set<string>();
  for (const { name } of users) {
    if (seen.has(name)) {
      throw wrong(
        `the user ${quote(name)} comes twice; give one value with several paths, separated by commas`,
      );
    }
    seen.add(name);
  }
  return users;
}

/** One user. The part after the last `@/` holds the paths, so that a password may hold anything else. */
export function parseAuthFlag(value: string): User {
  const at = value.lastIndexOf("@/");
  const login = at === -1 ? value : value.slice(0, at);
  const colon = login.indexOf(":");
  if (colon < 1 || colon === login.length - 1) {
    throw wrong("must be USER:PASSWORD or USER:PASSWORD@/PATH:PERMS");
  }
  const name = login.slice(0, colon);
  const secret = parseSecret(login.slice(colon + 1));
  if (secret === null) {
    throw wrong(
      `the password of ${quote(name)} starts with $scrypt$ but is not $scrypt$ln=15,r=8,p=1$SALT$HASH`,
    );
  }
  const rules = parseRules(at === -1 ? "/" : value.slice(at + 1), DEFAULT_PERMS);
  if ("problem" in rules) throw wrong(`of the user ${quote(name)}: ${rules.problem}`);
  return { name, secret, rules };
}

function wrong(why: string): FerryError {
  return new FerryError("usage", `--auth: ${why}`);
}
