/** From an `Authorization` header to an Access: who asks, and whether the password is right. */
import { FerryError } from "../core/errors.ts";
import { parseBasic } from "../http/basic_auth.ts";
import { parseBearer } from "../http/bearer.ts";
import { Access, type Rule } from "./access.ts";
import type { User } from "./auth_flag.ts";
import type { Capabilities } from "./capability.ts";
import type { ScryptSecret } from "./password.ts";

/** Who may come in. */
export interface Accounts {
  users: readonly User[];
  /** What everybody may do, logged in or not. */
  anonymous: readonly Rule[];
}

/**
 * Gives the Access of a request with this `Authorization` header (null for none), or null for wrong credentials.
 * Only scrypt makes it a promise.
 */
export type Authenticate = (authorization: string | null) => Access | null | Promise<Access | null>;

/** So many verified logins are remembered, so that scrypt runs once a login and not once a request. */
const MAX_REMEMBERED = 1024;

/** More logins than this waiting for scrypt are turned away: each one costs memory and a core. */
const MAX_WAITING = 64;

/**
 * Makes the check for `accounts` and for the bearers of `capabilities`. The code for passwords is loaded only where
 * there are users.
 */
export async function createAuthenticate(
  accounts: Accounts,
  capabilities?: Capabilities,
): Promise<Authenticate> {
  const { users, anonymous } = accounts;
  const nobody = new Access({ user: null, rules: [], anonymous, logins: users.length > 0 });
  const known = new Map<string | null, Access>([[null, nobody]]);
  for (const { name, rules } of users) {
    known.set(name, new Access({ user: name, rules, anonymous, logins: true }));
  }
  /** The part of its issuer's permissions that a token carries; null for none that holds. */
  const bearer = (token: string): Access | null => {
    const grant = capabilities?.open(token) ?? null;
    return grant === null ? null : known.get(grant.user)?.within(grant) ?? null;
  };
  const login = users.length === 0 ? () => null : await createLogin(users, known);
  return (authorization) => {
    if (authorization === null) return nobody;
    const token = parseBearer(authorization);
    return token === null ? login(authorization) : bearer(token);
  };
}

/** The check of names and passwords. */
async function createLogin(
  users: readonly User[],
  accesses: ReadonlyMap<string | null, Access>,
): Promise<(authorization: string) => Access | null | Promise<Access | null>> {
  const { matchesPlain, matchesScrypt, parseSecret } = await import("./password.ts");
  const { createHmac, randomBytes } = await import("node:crypto");
  const byName = new Map(users.map(({ name, secret }) => [name, { secret, access: accesses.get(name)! }]));
  // What an unknown user's password is checked against: nobody may learn names from the time an answer takes.
  const noSecret = parseSecret(crypto.randomUUID());
  const decoy = costliest(users);
  const key = randomBytes(32);
  const remembered = new Map<string, Access>();
  let waiting = 0;
  let queue: Promise<unknown> = Promise.resolve();

  /** One scrypt at a time: the memory that guessing can take is one run's. */
  function scryptInTurn(password: string, secret: ScryptSecret): Promise<boolean> {
    if (waiting >= MAX_WAITING) throw new FerryError("too_many", "too many logins at once; try again later");
    waiting++;
    const run = queue.then(() => matchesScrypt(password, secret));
    queue = run.then(() => waiting--, () => waiting--);
    return run;
  }

  return (authorization) => {
    const given = parseBasic(authorization);
    if (given === null) return null;
    const known = byName.get(given.user);
    const secret = known?.secret ?? noSecret;
    if (secret?.kind === "plain") {
      const right = matchesPlain(given.password, secret.digest) && known !== undefined;
      if (right) return known.access;
      return decoy === null ? null : scryptInTurn(given.password, decoy).then(() => null);
    }
    if (secret?.kind !== "scrypt" || known === undefined) return null;
    const mark = createHmac("sha256", key).update(`${given.user}\0${given.password}`).digest("base64");
    const access = remembered.get(mark);
    if (access !== undefined) return access;
    return scryptInTurn(given.password, secret).then((right) => {
      if (!right) return null;
      if (remembered.size >= MAX_REMEMBERED) remembered.clear();
      remembered.set(mark, known.access);
      return known.access;
    });
  };
}

/** The scrypt secret among the users' that takes longest to check; null when there is none. */
function costliest(users: readonly User[]): ScryptSecret | null {
  let most: ScryptSecret | null = null;
  for (const { secret } of users) {
    if (secret.kind === "scrypt" && (most === null || cost(secret) > cost(most))) most = secret;
  }
  return most;
}

function cost(secret: ScryptSecret): number {
  return 2 ** secret.ln * secret.r * secret.p;
}
