/** Reading a folder for a listing. */
import { FerryError } from "../core/errors.ts";
import { childPath, isHidden, joinRoot, nameProblem } from "../core/paths.ts";
import { fileEtag } from "../http/etag.ts";
import { type EntryInfo, FolderLooks } from "../store/read/folder_looks.ts";
import { innerPath, locate } from "../store/root.ts";
import type { MountFolder } from "./mounted.ts";
import { type Exchange, notFound, type Target } from "./share.ts";

/** One entry. What it says of a link is what a GET of the link would find. */
export interface ListingEntry {
  name: string;
  kind: "file" | "dir" | "symlink";
  /** Null for a folder. */
  size: number | null;
  /** Milliseconds since 1970. */
  mtime: number;
  etag: string | null;
  /** Whether its URL ends with a slash: a folder, or a link to one. */
  slash: boolean;
}

/** A folder with what this user may see of it. */
export interface Listing {
  /** The path on the server; `""` for the top. By a share link, what is above the shared folder is left out. */
  path: string;
  /** How many names at the end of the path can be gone up. */
  up: number;
  entries: ListingEntry[];
}

/** A listing of which no entry has been looked at. */
export interface OpenListing extends Pick<Listing, "path" | "up"> {
  /** How many entries there are at most. */
  size: number;
  /** The entries, in the order of their names, each looked at when it is asked for. */
  entries: Iterable<ListingEntry>;
  /** To be called before what was read since the last time is shown. Throws `not_found`. */
  check(): void;
}

/**
 * The entries that a GET would find: nothing reserved, hidden, forbidden, neither file nor folder, nor with a name
 * that no URL can spell.
 */
export function openListing(exchange: Exchange, folder: Target): OpenListing {
  const { mounted } = exchange;
  const looks = new FolderLooks();
  const names = looks.names(folder.real);
  checkStill(folder);
  const leads = new Map(mounted.folders(folder.path).map((lead) => [lead.name, lead]));
  if (leads.size > 0) {
    const known = new Set(names);
    names.push(...[...leads.keys()].filter((name) => !known.has(name)));
  }
  names.sort();
  return {
    ...pathShown(mounted.pathOf(folder.path), exchange.link),
    size: names.length,
    entries: readEntries(exchange, { path: folder.path, real: folder.real, looks }, { names, leads }),
    check() {
      // Nothing stays open while a client takes its time.
      looks.rest();
      checkStill(folder);
    },
  };
}

function* readEntries(
  exchange: Exchange,
  seen: Required<LookedAt>,
  { names, leads }: { names: readonly string[]; leads: ReadonlyMap<string, MountFolder> },
): Generator<ListingEntry> {
  try {
    for (const name of names) {
      const entry = readEntry(exchange, seen, name);
      if (entry !== null) yield entry;
      else if (leads.has(name)) yield mountEntry(leads.get(name)!);
    }
  } finally {
    seen.looks.rest();
  }
}

/** All of a listing that was opened. */
export function readListing({ path, up, entries, check }: OpenListing): Listing {
  const read = [...entries];
  check();
  return { path, up, entries: read };
}

/** What is shown of `path`, a path on the server, to who came by a link for the path `link`, or by none. */
export function pathShown(path: string, link: string | undefined): Pick<Listing, "path" | "up"> {
  const names = path === "" ? [] : path.split("/");
  if (link === undefined || link === "") return { path, up: names.length };
  const shown = names.slice(link.split("/").length - 1);
  return { path: shown.join("/"), up: shown.length - 1 };
}

/** Throws `not_found` where a folder that was read is no longer at its real path: what was read may be outside. */
export function checkStill({ real }: Pick<Target, "real">): void {
  if (Deno.realPathSync(real) !== real) throw notFound();
}

/** The entry of a folder that leads to other shares. */
export function mountEntry({ name, info }: MountFolder): ListingEntry {
  return { name, kind: "dir", size: null, mtime: info.mtime?.getTime() ?? 0, etag: null, slash: true };
}

function readEntry(exchange: Exchange, folder: LookedAt, name: string): ListingEntry | null {
  const seen = lookAt(exchange, folder, name);
  if (seen === null) return null;
  const { kind, info } = seen;
  const mtime = info.mtime?.getTime() ?? 0;
  if (info.isDirectory) return { name, kind, size: null, mtime, etag: null, slash: true };
  const etag = fileEtag({ size: info.size, mtime, ino: info.ino, dev: info.dev });
  return { name, kind, size: info.size, mtime, etag, slash: false };
}

/** An entry of a folder that a GET would find. */
export interface SeenEntry {
  kind: "file" | "dir" | "symlink";
  /** The file or folder, of a link that which it leads to, and where that is. */
  info: EntryInfo;
  real: string;
}

/** A folder that was found for a user, and how its entries are looked at. */
export type LookedAt = Pick<Target, "path" | "real"> & { looks?: FolderLooks };

type Place = Pick<Exchange, "access" | "share" | "mounted">;

/** What the name is in `folder`; null for what a GET would not find. */
export function lookAt(
  exchange: Place,
  folder: LookedAt,
  name: string,
): SeenEntry | null {
  try {
    return lookClosely(exchange, folder, name);
  } catch (error) {
    // Gone meanwhile, or a name that is not UTF-8 and came out changed.
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied) return null;
    throw error;
  }
}

/** As `lookAt`, but throws the system's error for what is not there, or cannot be looked at. */
export function lookClosely(
  { access, share, mounted }: Place,
  folder: LookedAt,
  name: string,
): SeenEntry | null {
  // A backslash is refused in every URL.
  if (nameProblem(name) !== null || name.includes("\\")) return null;
  if (!share.hidden && isHidden(name)) return null;
  const path = childPath(folder.path, name);
  if (!access.can("r", path) || mounted.covers(path)) return null;
  const real = joinRoot(folder.real, name);
  const inner = innerPath(share.root, real);
  // Below a link the rules of both places hold.
  if (inner !== path && !access.can("r", inner)) return null;
  const info: EntryInfo = folder.looks?.at(folder.real, name) ?? Deno.lstatSync(real);
  if (info.isSymlink) return linked({ access, share }, path);
  if (!info.isFile && !info.isDirectory) return null;
  return { kind: info.isDirectory ? "dir" : "file", info, real };
}

/** What the link at `path` leads to; null where that is nothing, or nowhere we go. */
function linked({ access, share }: Pick<Exchange, "access" | "share">, path: string): SeenEntry | null {
  try {
    const { info, real } = locate(share.root, path, { follow: share.follow, hidden: share.hidden });
    if (info === null || !(info.isFile || info.isDirectory)) return null;
    if (!access.can("r", innerPath(share.root, real))) return null;
    return { kind: "symlink", info, real };
  } catch (error) {
    if (error instanceof FerryError || error instanceof Deno.errors.PermissionDenied) return null;
    throw error;
  }
}
