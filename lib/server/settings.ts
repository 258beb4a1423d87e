/**
 * All that `ferry serve` was told, as plain data: it goes to the workers as it is (structured clone). Flags, and a
 * configuration file, are two ways to make one.
 */
import { parsePerms, rulesBelow } from "./access.ts";
import type { Accounts } from "./authenticate.ts";
import type { Limits } from "./limits/limits.ts";
import type { Place } from "./listen.ts";
import type { Mount } from "./mounts.ts";
import type { Peer } from "./peers.ts";
import type { ShareRules } from "./shares.ts";
import type { KeyPair } from "../client/key_pair.ts";

/** What a server is to do. */
export interface ServerSettings {
  place: Place;
  /** What it proves by who it is; plain HTTP without. */
  tls?: KeyPair;
  /** What it calls itself. */
  name?: string;
  /** How many workers answer. */
  workers: number;
  accounts: Accounts;
  shares: readonly ShareSettings[];
  /** The servers that this one may be told to fetch from. */
  peers: readonly Peer[];
  /** The origins whose scripts may use what no share answers, checked. */
  cors: readonly string[];
  limits: Limits;
  log: "combined" | "json" | "none";
  /** Whether it counts what it does, at `/.ferry/metrics`. */
  metrics: boolean;
  /** What tokens are signed with; 32 bytes. */
  key: Uint8Array;
  /** The state folder where the tokens of a key that lasts are kept account of; absent for a key that does not. */
  ledger?: string;
}

/** A folder that is served, and how. */
export interface ShareSettings {
  mount: Mount;
  /** What it says itself of who may do what. */
  own?: ShareRules;
  /** Whether anybody may change it. */
  writable: boolean;
  /** A real path. */
  root: string;
  /** Whether names that start with a dot are served. */
  hidden: boolean;
  follow: "none" | "inside";
  /** The file that stands for its folder. */
  index?: string;
  /** The file in the root that answers for pages that are not there. */
  spa?: string;
  compress: boolean;
  precompressed: boolean;
  /** Whether it makes archives of folders. */
  archives: boolean;
  /** The `Cache-Control` of files. */
  cacheControl?: string;
  /** Bytes. */
  maxUpload?: number;
  /** The origins whose scripts may use it, checked. */
  cors: readonly string[];
  state: StatePlace;
}

/** Where Ferry keeps what it knows of a share. */
export interface StatePlace {
  /** Where the index is; null where there is no place for one. */
  dir: string | null;
  /** Why there is none, to be said to who wants it. */
  why?: string;
  /** The state folder of this machine; absent for none. */
  home?: string;
}

const CHANGES = parsePerms("wd") ?? 0;

/** `settings` with others who may come in, and what they may change. */
export function withAccounts<S extends Pick<ServerSettings, "accounts" | "shares" | "ledger">>(
  settings: S,
  accounts: Accounts,
): S {
  // With a key that lasts, a token may allow anything.
  const tokens = settings.ledger !== undefined;
  const shares = settings.shares.map((share) => ({
    ...share,
    writable: tokens || isWritable(accounts, share),
  }));
  return { ...settings, accounts, shares };
}

/** Whether users, or everybody, may change a share. */
export function isWritable(
  accounts: Accounts,
  { mount, own }: Pick<ShareSettings, "mount" | "own">,
): boolean {
  const anonymous = own?.anonymous ?? rulesBelow(accounts.anonymous, mount.path);
  const users = own?.users === undefined
    ? accounts.users.flatMap(({ rules }) => rulesBelow(rules, mount.path))
    : own.users.flatMap(({ rules }) => rules);
  return [...anonymous, ...users].some(({ perms }) => (perms & CHANGES) !== 0);
}
