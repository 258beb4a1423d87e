/** Reads `--auth USER:PASSWORD[@PATH[:PERMS],...]`. Messages never hold the password. */
import { FerryError, quote } from "../core/errors.ts";
import type { Rule } from "./access.ts";
import { parseSecret, type Secret } from "./password.ts";
import { doublePath, parseRule } from "./rule.ts";

/** One user of a server. */
export interface User {
  name: string;
  secret: Secret;
  rules: readonly Rule[];
}

/** What a user may do who was given no PATH. */
const DEFAULT_PERMS = "rwd";

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
  const scopes = at === -1 ? ["/"] : value.slice(at + 1).split(",");
  return { name, secret, rules: parseScopes(scopes, name) };
}

/** Each of `scopes` is `/PATH` or `/PATH:PERMS`. */
function parseScopes(scopes: readonly string[], name: string): Rule[] {
  const rules = scopes.map((scope) => {
    const colon = scope.lastIndexOf(":");
    const rule = colon === -1
      ? parseRule(scope, DEFAULT_PERMS)
      : parseRule(scope.slice(0, colon), scope.slice(colon + 1));
    if ("problem" in rule) throw wrong(`of the user ${quote(name)}: ${rule.problem}`);
    return rule;
  });
  const double = doublePath(rules);
  if (double !== null) throw wrong(`the path ${quote(double)} of ${quote(name)} comes twice`);
  return rules;
}

function wrong(why: string): FerryError {
  return new FerryError("usage", `--auth: ${why}`);
}
