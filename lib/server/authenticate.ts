/** From an `Authorization` header to an Access: who asks, and whether the password or the token is right. */
import { parseBasic } from "../http/basic_auth.ts";
import { parseBearer } from "../http/bearer.ts";
import { Access, type Rule } from "./access.ts";
import type { User } from "./auth_flag.ts";
import { type Capabilities, TOKEN_PREFIX } from "./capability.ts";
import type { GuessLimit } from "./guess_limit.ts";

/** Who may come in. */
export interface Accounts {
  users: readonly User[];
  /** What everybody may do, logged in or not. */
  anonymous: readonly Rule[];
}

/**
 * Gives the Access of a request with this `Authorization` header (null for none) that came from `address`, or null for
 * wrong credentials. A token that was made to stand in a URL is right `inLink` alone, and no other one is. Only scrypt makes it a promise. Throws `too_many_requests` for who was wrong too often, `too_many` where
 * too many log in at once, and what `Capabilities.check` throws.
 */
export type Authenticate = (
  authorization: string | null,
  address: string,
  inLink?: boolean,
) => Access | null | Promise<Access | null>;

/** Beside the accounts: */
export interface AuthenticateOptions {
  /** The tokens that are honoured; absent for none. */
  capabilities?: Capabilities;
  /** What slows guessing down; absent for a new one. */
  guesses?: GuessLimit;
}

/** Makes the check for `accounts`. The code for passwords is loaded only where there are users. */
export async function createAuthenticate(
  accounts: Accounts,
  { capabilities, guesses }: AuthenticateOptions = {},
): Promise<Authenticate> {
  const { users, anonymous } = accounts;
  const logins = users.length > 0 || (capabilities?.ledger ?? null) !== null;
  const nobody = new Access({ user: null, rules: [], anonymous, logins });
  const known = new Map<string | null, Access>([[null, nobody]]);
  for (const { name, rules } of users) {
    known.set(name, new Access({ user: name, rules, anonymous, logins: true }));
  }
  const bearer = (token: string, inLink: boolean): Access | null => {
    const grant = capabilities?.check(token) ?? null;
    if (grant === null || (grant.link ?? false) !== inLink) return null;
    if (grant.user === undefined) return Access.ofToken(grant);
    return known.get(grant.user)?.within(grant) ?? null;
  };
  const { createLogin } = users.length === 0 ? { createLogin: null } : await import("./login.ts");
  const login = createLogin?.(users, guesses) ?? null;
  return (authorization, address, inLink = false) => {
    if (authorization === null) return nobody;
    const token = parseBearer(authorization);
    if (token !== null || inLink) return bearer(token ?? "", inLink);
    const given = parseBasic(authorization);
    if (given === null) return null;
    // Many clients know names and passwords only.
    const access = given.password.startsWith(TOKEN_PREFIX) ? bearer(given.password, false) : null;
    if (access !== null || login === null) return access;
    const user = login(given, address);
    return user instanceof Promise ? user.then((name) => accessOf(name)) : accessOf(user);
  };

  function accessOf(user: string | null): Access | null {
    return user === null ? null : known.get(user) ?? null;
  }
}
