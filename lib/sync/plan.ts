/** The plan of a run, as a pure function of two trees: what would make the destination hold what the source holds. */
import type { DirEntry, Entry, FileEntry, LinkEntry, Problem, Tree } from "../core/entry.ts";
import { parentPath } from "../core/paths.ts";
import type { HiddenPaths } from "./hidden.ts";

/** What can be replicated: any entry but a problem. */
export type RealEntry = FileEntry | DirEntry | LinkEntry;

/**
 * One change, in the words of the report. `content` says whether the file's bytes have to travel; with `copy` the
 * destination has them already, elsewhere.
 */
export type Change =
  | { op: "create"; path: string; entry: RealEntry; content: boolean; copy?: Copy }
  | { op: "update"; path: string; entry: RealEntry; was: RealEntry; content: boolean; copy?: Copy }
  | { op: "delete"; path: string; was: RealEntry }
  | Move;

/** A file of the destination whose content is the one that is wanted. */
export interface Copy {
  from: string;
  /** The file there, as it was listed. */
  was: FileEntry;
  sha256: string;
}

/** A file, or a folder with all that is in it, that is renamed at the destination. */
export interface Move {
  op: "move";
  path: string;
  from: string;
  /** What the source has at `path`. */
  entry: RealEntry;
  /** What the destination has at `from`. */
  was: RealEntry;
  /** What the destination has at `path`; a folder only moves to where nothing is. */
  replaces: RealEntry | undefined;
  content: false;
  /** What is in a folder, parents first, with each entry's own names; and the folder's version (folder_digest.ts). */
  inside: { path: string; from: string; entry: RealEntry; was: RealEntry }[];
  digest: string | null;
  /** The changes that this one stands for, and that are done instead if it cannot be. */
  instead: Change[];
}

/** All changes, in the order in which they are made. */
export interface Plan {
  /** In the order of execution: what stands in the way goes, folders come, then links and files, then the other deletes. */
  changes: Change[];
  /** Folders of the destination that their owner may not write, though something in them changes: opened first. */
  locked: { path: string; was: DirEntry }[];
  /** Folders whose mode and time are set at the end, when nothing in them changes any more; not a change of their own. */
  folderTimes: { path: string; entry: DirEntry }[];
  /** Paths that stay as they are, and why. */
  problems: Problem[];
  totals: PlanTotals;
}

/** What a plan adds up to. */
export interface PlanTotals {
  create: number;
  update: number;
  delete: number;
  /** Entries that are renamed. */
  move: number;
  /** What the files whose content travels add up to. */
  bytes: number;
  /** Entries of the source, and of the destination before. */
  source: number;
  destination: number;
}

export interface PlanOptions {
  /** Delete what only the destination has. */
  delete?: boolean;
  /** Compare files by SHA-256 instead of size and time. */
  checksum?: boolean;
  /** What was left out of the trees: it stays as it is, at either side. */
  hidden?: HiddenPaths;
}

/** Plans a run from `source` to `destination`. Trees are not changed. */
export function makePlan(source: Tree, destination: Tree, options: PlanOptions = {}): Plan {
  const problems: Problem[] = [];
  const hidden = options.hidden ?? NOTHING_HIDDEN;
  const shielded = shieldedPaths(source, destination, problems, hidden);
  const doomed = options.delete ? extraPaths(source, destination, shielded) : new Set<string>();
  const before: Change[] = [];
  const folders: Change[] = [];
  const links: Change[] = [];
  const files: Change[] = [];

  for (const [path, entry] of source) {
    if (entry.kind === "problem" || shielded.has(path)) continue;
    const was = destination.get(path);
    if (was?.kind === "problem") continue;
    if (was?.kind === "dir" && entry.kind !== "dir") {
      const message = holdsHidden(path, hidden)
        ? "a folder stands here that holds what a filter hides"
        : vacated(path, destination, doomed)
        ? null
        : "a folder with files of its own stands here; see --delete";
      if (message !== null) {
        problems.push({ path, code: "conflict", message });
        continue;
      }
    }
    const change = compare(path, entry, was, options);
    if (change === null) continue;
    if (entry.kind === "dir") folders.push(change);
    else (entry.kind === "symlink" ? links : files).push(change);
  }

  const after: Change[] = [];
  for (const path of [...doomed].sort().reverse()) {
    const was = destination.get(path) as RealEntry;
    const change: Change = { op: "delete", path, was };
    // What lies in a folder that becomes a file or link has to go first.
    (underReplaced(path, source) ? before : after).push(change);
  }

  const changes = [...before, ...folders, ...links, ...files, ...after];
  const touched = touchedPaths(changes);
  const folderTimes = foldersToSet(source, destination, touched, shielded);
  const locked = lockedFolders(destination, touched);
  return {
    changes,
    locked,
    folderTimes,
    problems,
    totals: countTotals(changes, source.size, destination.size),
  };
}

/**
 * Paths that the run must not touch: problems of either side with all that lies below them. On the source's side
 * nobody knows what they hold, so nothing at the destination may be deleted for not being there.
 */
function shieldedPaths(
  source: Tree,
  destination: Tree,
  problems: Problem[],
  hidden: HiddenPaths,
): Set<string> {
  const roots = new Set<string>([...hidden.source, ...hidden.destination]);
  for (const path of hidden.destination) {
    // The same name of another kind, which the patterns tell apart.
    if (source.has(path)) {
      problems.push({ path, code: "conflict", message: "something that a filter hides stands here" });
    }
  }
  for (const tree of [source, destination]) {
    for (const [path, entry] of tree) {
      if (entry.kind !== "problem") continue;
      roots.add(path);
      // What cannot be read at the destination matters only if something would be written or deleted there.
      problems.push({ path: path.replace("\0", ""), code: entry.code, message: entry.message });
    }
  }
  if (roots.size === 0) return roots;
  const shielded = new Set(roots);
  for (const tree of [source, destination]) {
    for (const path of tree.keys()) if (shielded.has(parentPath(path))) shielded.add(path);
  }
  return shielded;
}

/** What only the destination has. A folder with a shielded path in it stays. */
function extraPaths(source: Tree, destination: Tree, shielded: ReadonlySet<string>): Set<string> {
  const extra = new Set<string>();
  for (const path of destination.keys()) {
    if (shielded.has(path)) continue;
    const entry = source.get(path);
    if (entry === undefined) extra.add(path);
  }
  for (const path of shielded) {
    for (let dir = parentPath(path); dir !== ""; dir = parentPath(dir)) extra.delete(dir);
  }
  return extra;
}

const NOTHING_HIDDEN: HiddenPaths = { source: new Set(), destination: new Set() };

/** Whether the folder at `path` of the destination holds something hidden. */
function holdsHidden(path: string, hidden: HiddenPaths): boolean {
  const prefix = path + "/";
  for (const other of hidden.destination) if (other.startsWith(prefix)) return true;
  return false;
}

/** What changes, and the folders that it lies in. */
function touchedPaths(changes: readonly Change[]): Set<string> {
  const touched = new Set<string>();
  for (const { path } of changes) touched.add(path).add(parentPath(path));
  return touched;
}

/** The folders whose mode or time is not, or after the changes in them will not be, what it is in the source. */
function foldersToSet(
  source: Tree,
  destination: Tree,
  touched: ReadonlySet<string>,
  shielded: ReadonlySet<string>,
): Plan["folderTimes"] {
  const folders: Plan["folderTimes"] = [];
  for (const [path, entry] of source) {
    if (entry.kind !== "dir" || shielded.has(path)) continue;
    const was = destination.get(path);
    if (touched.has(path) || (was?.kind === "dir" && was.mtime !== entry.mtime)) {
      folders.push({ path, entry });
    }
  }
  return folders;
}

function lockedFolders(destination: Tree, touched: ReadonlySet<string>): Plan["locked"] {
  const locked: Plan["locked"] = [];
  for (const path of touched) {
    const was = destination.get(path);
    if (was?.kind === "dir" && (was.mode & 0o300) !== 0o300) locked.push({ path, was });
  }
  return locked.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Whether the folder at `path` will be empty once the doomed paths are gone. */
function vacated(path: string, destination: Tree, doomed: ReadonlySet<string>): boolean {
  const prefix = path + "/";
  for (const other of destination.keys()) if (other.startsWith(prefix) && !doomed.has(other)) return false;
  return true;
}

function underReplaced(path: string, source: Tree): boolean {
  for (let dir = parentPath(path); dir !== ""; dir = parentPath(dir)) {
    const entry = source.get(dir);
    if (entry !== undefined) return entry.kind !== "dir";
  }
  return false;
}

function compare(
  path: string,
  entry: RealEntry,
  was: RealEntry | undefined,
  options: PlanOptions,
): Change | null {
  if (was === undefined) return { op: "create", path, entry, content: entry.kind === "file" };
  const update = (content: boolean): Change => ({ op: "update", path, entry, was, content });
  if (entry.kind === "file") {
    if (was.kind !== "file") return update(true);
    const same = options.checksum
      ? entry.sha256 === was.sha256
      : entry.size === was.size && entry.mtime === was.mtime;
    if (!same) return update(true);
    return entry.mode === was.mode && entry.mtime === was.mtime ? null : update(false);
  }
  if (entry.kind === "dir") return was.kind === "dir" && was.mode === entry.mode ? null : update(false);
  return was.kind === "symlink" && was.target === entry.target ? null : update(false);
}

/** What `changes` add up to; `source` and `destination` are the entries of either side. */
export function countTotals(changes: readonly Change[], source: number, destination: number): PlanTotals {
  const totals: PlanTotals = { create: 0, update: 0, delete: 0, move: 0, bytes: 0, source, destination };
  for (const change of changes) {
    totals[change.op] += change.op === "move" ? 1 + change.inside.length : 1;
    if (change.op !== "delete" && change.content) totals.bytes += sizeOf(change.entry);
  }
  return totals;
}

/** The bytes of an entry's content; zero for all but files. */
export function sizeOf(entry: Entry): number {
  return entry.kind === "file" ? entry.size : 0;
}
