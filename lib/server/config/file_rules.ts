/** Permissions of a configuration file as rules. */
import { parsePerms, type Rule } from "../access.ts";
import type { User } from "../auth_flag.ts";
import { parseSecret } from "../password.ts";
import type { ShareRules } from "../shares.ts";
import { type FilePerms, type FileShare, type FileUser, innerPath } from "./serve_file.ts";

/** What a user may do of whom the file says nothing more. */
const DEFAULT_PERMS = "rwd";

/** What `writable` stands for. */
const WRITABLE_PERMS = "rwd";

/** The rules that checked permissions spell. */
export function rulesOf(perms: FilePerms): Rule[] {
  const given = typeof perms === "string" ? new Map([["/", perms]]) : perms;
  return Array.from(given, ([path, perms]) => ({ path: innerPath(path), perms: parsePerms(perms)! }));
}

/** What holds for everybody by a server's or share's own words; undefined where it says nothing of it. */
export function anonymousOf(
  { anonymous, writable }: { anonymous?: FilePerms; writable?: boolean },
): Rule[] | undefined {
  if (writable) return rulesOf(WRITABLE_PERMS);
  return anonymous === undefined ? undefined : rulesOf(anonymous);
}

/** The users that a file names, checked. */
export function usersOf(users: ReadonlyMap<string, FileUser>): User[] {
  return Array.from(users, ([name, { password, rules = DEFAULT_PERMS }]) => ({
    name,
    secret: parseSecret(password)!,
    rules: rulesOf(rules),
  }));
}

/** What a share says itself of who may do what; undefined for nothing. */
export function shareRules(share: FileShare): ShareRules | undefined {
  const anonymous = anonymousOf(share);
  if (anonymous === undefined && share.users === undefined) return undefined;
  const users = share.users && Array.from(share.users, ([name, perms]) => ({ name, rules: rulesOf(perms) }));
  return { anonymous, users };
}
