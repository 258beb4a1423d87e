/** Reads a folder of the local file system into entries; the only place that turns `lstat` into an Entry. */
import * as crypto from "node:crypto";
import { FerryError, osReason, readError } from "../../core/errors.ts";
import { type Entry, type LinkEntry, MODE_MASK, type ProblemEntry, type Tree } from "../../core/entry.ts";
import { childPath, joinRoot, nameProblem, pathProblem, RESERVED_NAME } from "../../core/paths.ts";
import { FILTER_FILE, MAX_FILTER_BYTES } from "../../core/scan_filter.ts";
import { turn } from "../../core/turn.ts";
import type { Listing } from "../../wire/tree.ts";
import { TreeBuilder } from "../../wire/tree_builder.ts";
import { followLink, type Links, type RealFolder, ROOT_FOLDER, throughLinks } from "./links.ts";
import { type FileStat, libc } from "../libc.ts";
import { mtimeOf } from "../times.ts";
import type { ScanOptions } from "../store.ts";

export interface ScanFolderOptions {
  /** Which paths the reader may see; all by default. What is hidden is as if it were not there. */
  visible?: (path: string) => boolean;
  /** Whether to read the filter files of the folders; one that cannot be read makes its folder a problem. */
  rules?: boolean;
  /** Told of each folder that holds state of Ferry's own, by its path. */
  stateIn?: (dir: string) => void;
  /** Whether to go into a folder that was listed; asked when its turn comes. */
  enters?: (dir: string) => boolean;
  /** `keep` unless told. With `copy`, `visible` is asked about where links lead as well. */
  links?: Links;
}

/** Entries of one listing; a larger folder comes in several, so that a scan can pause within it. */
const PIECE_ENTRIES = 1000;

/**
 * Lists `root` folder by folder, parents before children, in pieces of bounded size, so that a server can answer
 * others in between. Throws `read_failed` when the root itself cannot be read.
 */
export function* scanFolders(root: string, options: ScanFolderOptions = {}): Generator<Listing> {
  const follow = options.links === "copy";
  const pending: { dir: string; real: RealFolder }[] = [{ dir: "", real: ROOT_FOLDER }];
  let followed = 0;
  while (pending.length > 0) {
    const { dir, real } = pending.pop()!;
    if (options.enters && !options.enters(dir)) continue;
    const full = joinRoot(root, real.path);
    let names: string[];
    let rules: string | undefined;
    try {
      names = namesIn(full, () => options.stateIn?.(dir));
      if (options.rules && names.includes(FILTER_FILE)) rules = readRules(full, dir, options.visible);
    } catch (error) {
      if (dir === "") throw readError(error, root);
      const message = error instanceof FerryError
        ? error.message
        : `cannot read the folder: ${osReason(error)}`;
      yield { dir, problem: { code: "unreadable", message } };
      continue;
    }
    const folders: typeof pending = [];
    let entries: [string, Entry][] = [];
    const piece = (): Listing => {
      const listing: Listing = rules === undefined ? { dir, entries } : { dir, rules, entries };
      rules = undefined;
      entries = [];
      return listing;
    };
    using opened = openedFolder(full);
    for (const name of names) {
      const path = childPath(dir, name);
      if (options.visible && !options.visible(path)) continue;
      if (entries.length === PIECE_ENTRIES) yield { ...piece(), more: true } as Listing;
      let entry = quickEntry(opened, path, name) ?? readEntry(joinRoot(full, name), path, name);
      let folder = { path: follow ? childPath(real.path, name) : path, via: real.via };
      if (follow && entry.kind === "symlink") {
        const led = followLink(root, real, folder.path);
        if ("kind" in led) entry = led;
        else if (options.visible && !options.visible(led.folder.path)) continue;
        else [entry, folder] = [entryOf(led.info, joinRoot(root, led.folder.path)), led.folder];
      } else if (follow && folder.path !== path && options.visible && !options.visible(folder.path)) {
        continue;
      }
      if (follow && folder.path !== path && ++followed > MAX_FOLLOWED) throw tooManyFollowed();
      entries.push([name, entry]);
      if (entry.kind === "dir") folders.push({ dir: path, real: folder });
    }
    yield piece();
    for (const folder of folders) pending.push(folder);
  }
}

/** A folder, open where the library can be called, so that what is in it is found without the way to it. */
interface OpenedFolder extends Disposable {
  /** Negative where there is none. */
  folder: number;
}

function openedFolder(full: string): OpenedFolder {
  const calls = libc();
  const folder = calls?.openFolder(full) ?? -1;
  return { folder, [Symbol.dispose]: () => void (folder >= 0 && calls?.close(folder)) };
}

/** The file or folder `name` of an open folder; null for all else and where something is amiss, which `readEntry` tells. */
function quickEntry({ folder }: OpenedFolder, path: string, name: string): Entry | null {
  if (folder < 0 || nameProblem(name) !== null || (path.length > 1000 && pathProblem(path) !== null)) {
    return null;
  }
  const seen = libc()!.statIn(folder, name);
  return seen === null ? null : fileOrFolder(seen);
}

function fileOrFolder({ kind, size, mtime, mode }: FileStat): Entry | null {
  if (kind === "file") return { kind, size, mtime, mode };
  return kind === "dir" ? { kind, mtime, mode } : null;
}

/** Links among a few folders can lead along more paths than there are atoms. */
const MAX_FOLLOWED = 5_000_000;

function tooManyFollowed(): FerryError {
  return new FerryError("read_failed", `links lead to more than ${MAX_FOLLOWED} paths; see --links`);
}

/**
 * The text of the filter file in `dir`, the folder `full`; undefined for what is no file or may not be seen. Throws
 * why it cannot be used.
 */
export function readRules(
  full: string,
  dir: string,
  visible?: ScanFolderOptions["visible"],
): string | undefined {
  if (visible && !visible(childPath(dir, FILTER_FILE))) return undefined;
  const refused = (why: string) => new FerryError("read_failed", `${childPath(dir, FILTER_FILE)}: ${why}`);
  const path = joinRoot(full, FILTER_FILE);
  try {
    const info = Deno.lstatSync(path);
    if (!info.isFile) return undefined;
    const most = `it is larger than ${MAX_FILTER_BYTES / 1024} KiB`;
    if (info.size > MAX_FILTER_BYTES) throw refused(most);
    const bytes = Deno.readFileSync(path);
    if (bytes.length > MAX_FILTER_BYTES) throw refused(most);
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof FerryError) throw error;
    if (error instanceof TypeError) throw refused("it is not valid UTF-8");
    throw refused(`cannot read it: ${osReason(error)}`);
  }
}

/** The names in a folder, but for Ferry's own, whose being there `own` is told of. Throws what the system says. */
export function namesIn(full: string, own?: () => void): string[] {
  const names: string[] = [];
  const lossy = new Set<string>();
  for (const name of listNames(full)) {
    // Names that are not UTF-8 decode lossily, so that two of them can look alike; one line about them will do.
    if (name === RESERVED_NAME) own?.();
    if (name === RESERVED_NAME || lossy.has(name)) continue;
    if (name.includes("\ufffd")) lossy.add(name);
    names.push(name);
  }
  return names;
}

function* listNames(full: string): Generator<string> {
  // The runtime makes an object of each entry first, which takes ten times the memory; and Deno 2.4 passes over names
  // that are not UTF-8 as if they were not there.
  const all = libc()?.names(full) ?? null;
  if (all !== null) return yield* all;
  for (const { name } of Deno.readDirSync(full)) yield name;
}

/** Hashes that need not be made again; `began` is when the file was opened, in ms since 1970. */
export interface HashMemory {
  known(path: string, info: Deno.FileInfo): string | null;
  learned(path: string, info: Deno.FileInfo, hash: { sha256: string; began: number }): void;
}

/**
 * Adds the SHA-256 to every file of a listing, read through unless `memory` knows it; one that cannot be read becomes
 * a problem.
 */
export async function addChecksums(
  root: string,
  listing: Listing,
  { links, memory }: { links?: Links; memory?: HashMemory } = {},
): Promise<void> {
  if ("problem" in listing) return;
  for (const item of listing.entries) {
    const [name, entry] = item;
    if (entry.kind !== "file") continue;
    const path = childPath(listing.dir, name);
    try {
      const real = links === "copy" ? throughLinks(root, path) : path;
      if (real === null) throw new Error("it is gone");
      entry.sha256 = memory === undefined
        ? await hashFile(joinRoot(root, real))
        : await rememberedHash(root, real, memory);
    } catch (error) {
      item[1] = problem("unreadable", `cannot read it: ${osReason(error)}`);
    }
  }
}

/** Whether nothing tells that the file changed between two looks. */
export function sameVersion(a: Deno.FileInfo, b: Deno.FileInfo): boolean {
  return a.size === b.size && a.ino === b.ino && a.mtime?.getTime() === b.mtime?.getTime() &&
    a.ctime?.getTime() === b.ctime?.getTime();
}

async function rememberedHash(root: string, path: string, memory: HashMemory): Promise<string> {
  const full = joinRoot(root, path);
  const info = Deno.lstatSync(full);
  const known = memory.known(path, info);
  if (known !== null) return known;
  const began = Date.now();
  const sha256 = await hashFile(full);
  const after = Deno.lstatSync(full);
  if (sameVersion(info, after)) memory.learned(path, info, { sha256, began });
  return sha256;
}

/** How long a scan runs before it lets others have a turn. */
const TURN_MS = 20;

/** All of `root` as a tree. Gives way now and then, so that requests under way move on. */
export async function scanTree(
  root: string,
  options: ScanOptions & Pick<ScanFolderOptions, "links" | "stateIn"> = {},
): Promise<Tree> {
  const { filter, onFile, checksum, links, stateIn } = options;
  const builder = new TreeBuilder({ filter, onFile });
  const rules = filter?.rules !== undefined;
  let began = performance.now();
  for (const listing of scanFolders(root, { rules, links, stateIn, enters: (dir) => builder.wants(dir) })) {
    const { dir } = listing;
    if ("problem" in listing) builder.fail(dir, { kind: "problem", ...listing.problem });
    else {
      const trouble = listing.rules === undefined ? null : builder.rules(dir, listing.rules);
      if (trouble !== null && dir === "") throw new FerryError("read_failed", `${root}/${trouble}`);
      if (trouble !== null) builder.fail(dir, problem("unreadable", trouble));
      listing.entries = listing.entries.filter(([name, entry]) =>
        !builder.hides(dir, childPath(dir, name), entry)
      );
      if (checksum) await addChecksums(root, listing, { links });
      for (const [name, entry] of listing.entries) builder.add(childPath(dir, name), entry);
    }
    if (!("more" in listing)) builder.end(dir);
    if (performance.now() - began > TURN_MS) {
      await turn();
      began = performance.now();
    }
  }
  return builder.tree;
}

/** The entry at `full`, which the tree will know as `path`; `onInfo` gets what `lstat` found, if anything. */
export function readEntry(
  full: string,
  path: string,
  name: string,
  onInfo?: (info: Deno.FileInfo) => void,
): Entry {
  const trouble = nameProblem(name) ?? (path.length > 1000 ? pathProblem(path) : null);
  if (trouble !== null) return problem("refused_name", `the name is refused: ${trouble}`);
  // Half of what the runtime's own look costs; for anything else, and why it fails, that one is asked.
  const seen = onInfo === undefined ? libc()?.statAt(full) : null;
  const known = seen == null ? null : fileOrFolder(seen);
  if (known !== null) return known;
  try {
    const info = Deno.lstatSync(full);
    onInfo?.(info);
    return entryOf(info, full);
  } catch (error) {
    if (name.includes("\ufffd")) return problem("not_utf8", "its name is not valid UTF-8");
    if (error instanceof Deno.errors.NotFound) {
      return problem("vanished", "it vanished while the folder was read");
    }
    return problem("unreadable", `cannot read it: ${osReason(error)}`);
  }
}

/** The entry of what `lstat` found at `full`, without looking into files. */
export function entryOf(info: Deno.FileInfo, full: string): Entry {
  const mtime = mtimeOf(info, full);
  const mode = (info.mode ?? 0o644) & MODE_MASK;
  if (info.isFile) return { kind: "file", size: info.size, mtime, mode };
  if (info.isDirectory) return { kind: "dir", mtime, mode };
  if (info.isSymlink) return linkEntry(full, mtime);
  return problem("unsupported_kind", "it is neither a file, a folder nor a symbolic link");
}

function linkEntry(full: string, mtime: number): LinkEntry | ProblemEntry {
  let target = "\ufffd";
  try {
    target = Deno.readLinkSync(full);
  } catch (error) {
    if (!(error instanceof Deno.errors.InvalidData)) throw error;
  }
  // A target that is not UTF-8 would come out changed on the other side.
  if (target.includes("\ufffd")) return problem("not_utf8", "its link target is not valid UTF-8");
  return { kind: "symlink", target, mtime };
}

function problem(code: ProblemEntry["code"], message: string): ProblemEntry {
  return { kind: "problem", code, message };
}

/** The SHA-256 of a file, lower-case hex; reads it through once, without holding others up. */
export async function hashFile(full: string): Promise<string> {
  const hash = crypto.createHash("sha256");
  const buffer = new Uint8Array(1024 * 1024);
  using file = await Deno.open(full);
  for (let count = await file.read(buffer); count !== null; count = await file.read(buffer)) {
    hash.update(buffer.subarray(0, count));
  }
  return hash.digest("hex");
}
