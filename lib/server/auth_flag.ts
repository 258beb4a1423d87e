/** Reads `--auth USER:PASSWORD[@PATH[:PERMS],...]`. Messages never hold the password. */
import { FerryError, quote } from "../core/errors.ts";
import { pathProblem } from "../core/paths.ts";
import { parsePerms, type Rule } from "./access.ts";
import { parseSecret, type Secret } from "./password.ts";

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
  const rules = scopes.map((scope) => parseScope(scope, name));
  for (const [i, rule] of rules.entries()) {
    if (rules.findIndex((other) => other.path === rule.path) !== i) {
      throw wrong(`the path /${quote(rule.path)} of ${quote(name)} comes twice`);
    }
  }
  return { name, secret, rules };
}

function parseScope(scope: string, name: string): Rule {
  if (!scope.startsWith("/")) {
    throw wrong(`a path of ${quote(name)} does not start with a slash: ${quote(scope)}`);
  }
  const colon = scope.lastIndexOf(":");
  const perms = parsePerms(colon === -1 ? DEFAULT_PERMS : scope.slice(colon + 1));
  if (perms === null) {
    throw wrong(`the permissions in ${quote(scope)} of ${quote(name)} must be letters of rwds, or none`);
  }
  const path = (colon === -1 ? scope : scope.slice(0, colon)).replace(/^\//, "").replace(/\/$/, "");
  const problem = pathProblem(path);
  if (problem !== null) throw wrong(`the path in ${quote(scope)} of ${quote(name)} is refused: ${problem}`);
  return { path, perms };
}

function wrong(why: string): FerryError {
  return new FerryError("usage", `--auth: ${why}`);
}
