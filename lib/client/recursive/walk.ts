/** Goes through the folders of a server and says which of their files are to be fetched, while others are fetched. */
import { FerryError, quote } from "../../core/errors.ts";
import { childPath, encodeSegment, MAX_PATH_BYTES, pathProblem } from "../../core/paths.ts";
import type { Listed, Listing } from "./listed.ts";
import type { LocalFolder, LocalTree } from "./local_tree.ts";

/** How many folders deep it goes where nothing else is said: one that lists itself has no end. */
export const DEFAULT_DEPTH = 64;

/** Listings that are asked for, or wait for their files to be fetched, at a time. */
const AHEAD = 4;

/** More than a mirror can hold; a server that makes up folders shall not keep the run for ever. */
const MAX_FOUND = 10_000_000;

/** Folders that are known and not yet read: a server that makes up many in each shall not fill the memory with them. */
const MAX_WAITING = 1_000_000;

/** What comes of an entry, or of a folder that could not be read. */
export type Step =
  | ({ kind: "fetch" } & Found)
  /** It is here already as it is there. */
  | { kind: "same" }
  /** Not taken, or not read; the others are not held up by that. */
  | { kind: "problem"; url: string; error: FerryError };

/** A file that is to be fetched. */
export interface Found {
  url: string;
  /** Below the root here, checked. */
  path: string;
  /** The file that is here: fetch it only if it is another one now. The time is in milliseconds since 1970. */
  here?: { size: number; mtime: number };
  /** What its time here shall be, where the listing knows that exactly; else what its answer says. */
  mtime?: number;
}

/** What the walk works with. */
export interface WalkTools {
  read(url: URL): Promise<Listing>;
  local: LocalTree;
  /** Whether an entry is left out; its folder is not. */
  hides?: (path: string, kind: Listed["kind"]) => boolean;
}

/** One that waits; many of them do, so that it has no more than it needs. */
interface Folder {
  kind: "folder";
  path: string;
  depth: number;
}

interface Arrived {
  folder: Folder;
  url: URL;
  outcome: { listing: Listing } | { error: unknown };
}

/**
 * What is to be done for the files below `root`, whose path ends in a slash, folders at most `depth` deep: folder by
 * folder, each to be gone through before the next one is asked for.
 */
export async function* walk(root: URL, depth: number, tools: WalkTools): AsyncGenerator<Iterable<Step>> {
  // The last one first: those that wait are then few.
  const waiting: Folder[] = [{ kind: "folder", path: "", depth: 0 }];
  const reading = new Map<Folder, Promise<Arrived>>();
  let found = 0;
  while (waiting.length > 0 || reading.size > 0) {
    while (waiting.length > 0 && reading.size < AHEAD) {
      const folder = waiting.pop()!;
      reading.set(folder, arrival(folder, urlOf(folder, root), tools));
    }
    const { folder, url, outcome } = await Promise.race(reading.values());
    reading.delete(folder);
    try {
      if ("error" in outcome) throw outcome.error;
      const { listing } = outcome;
      found += listing.entries.length;
      if (found > MAX_FOUND) {
        throw new FerryError("guard", `${quote(root.href)}: more than ${MAX_FOUND} files and folders`);
      }
      const local = tools.local.enter(folder.path);
      yield stepsOf({ folder, url, local, listing, depth }, waiting, tools);
    } catch (error) {
      if (!(error instanceof FerryError) || error.code === "guard") throw error;
      yield [{ kind: "problem", url: url.href, error }];
    }
  }
}

/** Those of one folder; the folders in it are added to `waiting`. */
function* stepsOf(place: Place, waiting: Folder[], tools: WalkTools): Generator<Step> {
  const { url, listing } = place;
  for (const { name, why } of listing.refused) {
    yield { kind: "problem", url: url.href, error: notTaken(name, why) };
  }
  for (const listed of listing.entries) {
    const next = consider(listed, place, tools);
    if (next === null) continue;
    if (next.kind !== "folder") yield next;
    else if (waiting.push(next) > MAX_WAITING) {
      throw new FerryError("guard", `${quote(url.href)}: more than ${MAX_WAITING} folders wait to be read`);
    }
  }
}

async function arrival(folder: Folder, url: URL, tools: WalkTools): Promise<Arrived> {
  try {
    return { folder, url, outcome: { listing: await tools.read(url) } };
  } catch (error) {
    return { folder, url, outcome: { error } };
  }
}

function urlOf({ path }: Folder, root: URL): URL {
  return path === "" ? root : new URL(root.href + path.split("/").map(encodeSegment).join("/") + "/");
}

interface Place {
  folder: Folder;
  url: URL;
  local: LocalFolder;
  listing: Listing;
  depth: number;
}

/** What `listed` leads to: a folder to go into, a file to fetch, or nothing. */
function consider(listed: Listed, place: Place, tools: WalkTools): Folder | Step | null {
  const { folder, local, listing } = place;
  const path = childPath(folder.path, listed.name);
  const url = place.url.href + encodeSegment(listed.name);
  try {
    if (tools.hides?.(path, listed.kind)) return null;
    // Its names are good; no UTF-16 unit takes more than three bytes of UTF-8.
    const problem = path.length * 3 > MAX_PATH_BYTES ? pathProblem(path) : null;
    if (problem !== null) throw notTaken(listed.name, problem);
    if (listed.kind === "dir") {
      if (folder.depth < place.depth) {
        return { kind: "folder", path, depth: folder.depth + 1 };
      }
      if (place.depth < DEFAULT_DEPTH) return null;
      throw new FerryError(
        "partly_done",
        `${quote(url)}/: more than ${place.depth} folders deep, not gone into; --depth N goes deeper`,
      );
    }
    const verdict = local.verdict(listed, listing.precision);
    if (verdict.kind === "same") return verdict;
    const here = verdict.kind === "ask" ? { size: verdict.size, mtime: verdict.mtime } : undefined;
    return { kind: "fetch", url, path, mtime: listed.mtime, here };
  } catch (error) {
    if (!(error instanceof FerryError) || error.code === "guard") throw error;
    return { kind: "problem", url, error };
  }
}

function notTaken(name: string, why: string): FerryError {
  return new FerryError("partly_done", `not fetched: ${quote(name)}: ${why}`);
}
