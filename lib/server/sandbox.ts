/**
 * What the runtime lets a worker do: what its settings need and nothing else. It is the second wall behind the checks
 * of paths (core/paths.ts, store/root.ts): code that were led to read /etc/passwd would be refused by the runtime.
 */
import { OLD_RUNTIME } from "../core/runtime.ts";
import { PRIMARY_HOST } from "./handover.ts";
import { newSocket } from "./listen.ts";
import type { ServerSettings } from "./settings.ts";
import { ledgerFolder } from "./token_ledger.ts";

/**
 * The first worker has what must exist once: the sync API, its index, and all changes. The others read, and hand it
 * the rest.
 */
export type Role = "primary" | "reader";

/** What this machine adds. */
export interface SandboxPlace {
  /** The C library, where it can be called. */
  libc: string | null;
  /** The folder, perhaps not there yet, of the socket by which others hand requests to the primary. */
  handover: string;
}

/** What the sync engine asks the system: who it is for locks, what a file system is, modes of new files. */
const SYSTEM = ["hostname", "statfs", "osUptime", ...(OLD_RUNTIME ? [] : ["umask" as const])] as const;

/** What lies here, the runtime lets only those read who may do everything. */
const SPECIAL = /^\/($|(dev|proc|sys)(\/|$))/;

/**
 * The permissions of a worker. They are everything for a share with such places in it, and for a primary where the C
 * library cannot be called, since links can then be made in no other way.
 */
export function permissionsOf(
  settings: ServerSettings,
  role: Role,
  { libc, handover }: SandboxPlace,
): Deno.PermissionOptions {
  const { place, shares, peers, ledger } = settings;
  const special = shares.some(({ root }) => SPECIAL.test(root));
  if (special || (role === "primary" && libc === null)) return "inherit";
  const tokens = ledger === undefined ? [] : [ledgerFolder(ledger)];
  const shared = [...placePaths(place), handover, ...tokens];
  const state = shares.flatMap(({ state: { dir, home } }) => [dir, home])
    .filter((path) => path !== undefined && path !== null);
  const changed = shares.filter(({ writable }) => writable).map(({ root }) => root);
  const own = role === "primary" ? [...state, ...changed] : [];
  const hosts = role === "primary" ? peers.map(({ origin }) => hostAndPort(new URL(origin))) : [];
  return {
    read: [...shares.map(({ root }) => root), ...state, ...shared],
    write: [...own, ...shared],
    net: [...placeHosts(place), PRIMARY_HOST, ...sockets(place, handover), ...hosts],
    ffi: role === "primary" && libc !== null ? [libc] : false,
    sys: role === "primary" ? [...SYSTEM] : false,
    env: false,
    run: false,
    import: false,
  };
}

/** Sockets are made beside their place and renamed to it. */
function placePaths(place: ServerSettings["place"]): string[] {
  return place.kind === "unix" ? [place.path, newSocket(place.path)] : [];
}

/** The sockets that it listens on or connects to, as the runtime names them; before 2.9 they are files to it. */
function sockets(place: ServerSettings["place"], handover: string): string[] {
  if (OLD_RUNTIME) return [];
  const between = [handoverSocket(handover), newSocket(handoverSocket(handover))];
  return [...placePaths(place), ...between].map((path) => `unix:${path}`);
}

/** The socket in the folder `handover`. */
export function handoverSocket(handover: string): string {
  return `${handover}/primary`;
}

function placeHosts(place: ServerSettings["place"]): string[] {
  if (place.kind === "unix") return [];
  return [`${place.host.includes(":") ? `[${place.host}]` : place.host}:${place.port}`];
}

function hostAndPort({ hostname, port, protocol }: URL): string {
  return `${hostname}:${port === "" ? (protocol === "https:" ? 443 : 80) : port}`;
}
