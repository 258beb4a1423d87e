/** Names and passwords. An unknown name costs what a wrong password costs, and is answered in the same words. */
import { createHmac, randomBytes } from "node:crypto";
import { FerryError } from "../core/errors.ts";
import type { BasicCredentials } from "../http/basic_auth.ts";
import type { User } from "./auth_flag.ts";
import { HttpError } from "./failure.ts";
import { GuessLimit } from "./guess_limit.ts";
import { matchesPlain, matchesScrypt, type ScryptSecret } from "./password.ts";

/** So many verified logins are remembered, so that scrypt runs once a login and not once a request. */
const MAX_REMEMBERED = 1024;

/** More logins than this waiting for scrypt are turned away: each one costs memory and a core. */
const MAX_WAITING = 64;

/** The name of the user whose login this is, or null. Only scrypt makes it a promise. */
export type Login = (given: BasicCredentials, address: string) => string | null | Promise<string | null>;

/** Makes the check of the logins of `users`. Throws as `Authenticate` does. */
export function createLogin(users: readonly User[], guesses: GuessLimit = new GuessLimit()): Login {
  const byName = new Map(users.map((user) => [user.name, user.secret]));
  const scrypts = users.flatMap(({ secret }) => secret.kind === "scrypt" ? [secret] : []);
  const noPlain = randomBytes(32);
  const key = randomBytes(32);
  const remembered = new Set<string>();
  const underWay = new Map<string, Promise<boolean>>();
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

  /**
   * What the password for `name` takes as long as if it were checked against. Names without a hash of their own are
   * spread over the hashes that there are, always the same way: nobody may tell them by the time an answer takes.
   */
  function decoyFor(name: string): ScryptSecret | null {
    if (scrypts.length === 0) return null;
    const spread = createHmac("sha256", key).update(`decoy\0${name}`).digest().readUInt32BE();
    return scrypts[spread % scrypts.length];
  }

  /** Whether the login is right. All names take the same steps. */
  function check(user: string, password: string, mark: string): boolean | Promise<boolean> {
    const secret = byName.get(user) ?? null;
    const plain = matchesPlain(password, secret?.kind === "plain" ? secret.digest : noPlain);
    const decoy = decoyFor(user);
    if (secret?.kind === "plain" && plain) return true;
    if (secret?.kind === "scrypt" && remembered.has(mark)) return true;
    const against = secret?.kind === "scrypt" ? secret : decoy;
    if (against === null) return false;
    return scryptInTurn(password, against).then((right) => right && against === secret);
  }

  return ({ user, password }, address) => {
    const mark = createHmac("sha256", key).update(`${user}\0${password}`).digest("base64");
    // A browser comes over several connections at once: that is one try.
    const other = underWay.get(mark);
    if (other !== undefined) return other.then((right) => right ? user : null);
    const verdict = guesses.begin(address, user);
    if (verdict.kind === "wait") throw slowDown(verdict.ms);
    const right = check(user, password, mark);
    if (!(right instanceof Promise)) {
      if (right) verdict.attempt.right();
      return right ? user : null;
    }
    underWay.set(mark, right);
    return right.then((right) => {
      if (!right) return null;
      verdict.attempt.right();
      if (remembered.size >= MAX_REMEMBERED) remembered.clear();
      remembered.add(mark);
      return user;
    }).finally(() => underWay.delete(mark));
  };
}

function slowDown(ms: number): HttpError {
  const seconds = String(Math.ceil(ms / 1000));
  return new HttpError("too_many_requests", "too many wrong logins; try again later", {
    "retry-after": seconds,
  });
}
