/**
 * All that `ferry serve` was told, as plain data: it goes to the workers as it is (structured clone). Flags, and a
 * configuration file, are two ways to make one.
 */
import { parsePerms } from "./access.ts";
import type { Accounts } from "./authenticate.ts";
import type { Place } from "./listen.ts";
import type { Peer } from "./peers.ts";

/** What a server is to do. */
export interface ServerSettings {
  place: Place;
  /** How many workers answer. */
  workers: number;
  accounts: Accounts;
  share: ShareSettings;
  /** The servers that this one may be told to fetch from. */
  peers: readonly Peer[];
  /** The origins whose scripts may use it, checked. */
  cors: readonly string[];
  log: "combined" | "json" | "none";
  /** What capabilities are signed with; 32 bytes. */
  key: Uint8Array;
}

/** The folder that is served, and how. */
export interface ShareSettings {
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
  /** The `Cache-Control` of files. */
  cacheControl?: string;
  /** Bytes. */
  maxUpload?: number;
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

/** Whether anybody may change the share. */
export function isWritable({ accounts }: Pick<ServerSettings, "accounts">): boolean {
  const rules = [...accounts.anonymous, ...accounts.users.flatMap((user) => user.rules)];
  return rules.some(({ perms }) => (perms & CHANGES) !== 0);
}
