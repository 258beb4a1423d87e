/**
 * The trees of a run whose source is known by what changed there since it was what the destination still is. All that
 * did not change is the same on both sides, so two small trees do for a plan: of the folders that something changed
 * in, and of what has gone. Pure.
 */
import type { Entry, Tree } from "../core/entry.ts";
import { baseName, childPath, parentPath } from "../core/paths.ts";
import { dirEntry, ownDigest, type SeenFolder, type Snapshot } from "../store/read/snapshot.ts";
import type { Change } from "../wire/changes.ts";
import { byName, folderText, textDigest } from "../wire/tree_digest.ts";

/** What one folder holds. */
type Listing = Map<string, Entry>;

/** Both sides of a run, as far as they may differ. */
export interface NearTrees {
  changed: Tree;
  before: Tree;
}

export class NearTree {
  readonly #before: Snapshot;
  /** Folders as they are now, where they are not as before. */
  readonly #now = new Map<string, Listing>();
  /** The same folders, as far as they were there, as they were. */
  readonly #then = new Map<string, Listing>();
  /** What changed. */
  readonly #touched = new Set<string>();
  /** Folders that have gone with all that was in them, even if something is there again. */
  readonly #gone = new Set<string>();

  /** What `before` became by `changes`, which are in the order of their numbers. */
  constructor(before: Snapshot, changes: readonly Change[]) {
    this.#before = before;
    for (const { path } of changes) this.#touched.add(path);
    const gone = new Set(changes.flatMap(({ path, entry }) => entry === null ? [path] : []));
    for (const path of gone) if (!isBelow(path, gone)) this.#remove(path);
    // What is there now may be told before the folder that it is in, whose own time changed later.
    const there = changes.filter(({ entry }) => entry !== null).sort((a, b) => byName(a.path, b.path));
    const filled = new Set<string>();
    for (const { path, entry } of there) if (this.#put(path, entry!)) filled.add(path);
    if (filled.size === 0) return;
    for (const dir of this.#now.keys()) if (isBelow(dir, filled)) this.#now.delete(dir);
  }

  #remove(path: string): void {
    if (this.#listing(parentPath(path))?.delete(baseName(path)) && this.#before.folders.has(path)) {
      this.#gone.add(path);
    }
  }

  /** Whether that took the place of a folder. */
  #put(path: string, entry: Entry): boolean {
    const listing = this.#listing(parentPath(path));
    // Nothing honest lies in no folder; the digest will tell.
    if (listing === null) return false;
    const was = listing.get(baseName(path));
    listing.set(baseName(path), entry);
    if (was?.kind !== "dir") {
      if (entry.kind === "dir") this.#now.set(path, new Map());
      return false;
    }
    if (entry.kind === "dir") return false;
    this.#now.delete(path);
    if (this.#before.folders.has(path)) this.#gone.add(path);
    return true;
  }

  /** What `dir` holds now, to be changed; null when it is no folder. */
  #listing(dir: string): Listing | null {
    const known = this.#now.get(dir);
    if (known !== undefined) return known;
    const folder = this.#was(dir);
    if (folder === null) return null;
    const then = this.#listed(folder);
    const listing = new Map(then);
    this.#then.set(dir, then);
    this.#now.set(dir, listing);
    return listing;
  }

  #listed(folder: SeenFolder): Listing {
    const listing: Listing = new Map(this.#before.entriesIn(folder));
    for (const child of folder.children) listing.set(child.name, dirEntry(child));
    return listing;
  }

  /** The folder `dir` as it was, if it still is that one. */
  #was(dir: string): SeenFolder | null {
    if (this.#gone.has(dir) || isBelow(dir, this.#gone)) return null;
    return this.#before.folders.get(dir) ?? null;
  }

  /** The digest of the tree as it is now (wire/tree_digest.ts); null with a problem in it. */
  root(): string | null {
    const around = new Set<string>([""]);
    for (const dir of this.#now.keys()) {
      for (let at = dir; !around.has(at); at = parentPath(at)) around.add(at);
    }
    return this.#digest("", around);
  }

  #digest(dir: string, around: ReadonlySet<string>): string | null {
    if (!around.has(dir)) return this.#before.digest(dir);
    const listing = this.#now.get(dir) ?? this.#listed(this.#before.folders.get(dir)!);
    const folders: [string, Extract<Entry, { kind: "dir" }>][] = [];
    const rest: [string, Entry][] = [];
    for (const [name, entry] of listing) {
      if (entry.kind === "problem") return null;
      if (entry.kind === "dir") folders.push([name, entry]);
      else rest.push([name, entry]);
    }
    let inner = "";
    for (const [name, entry] of folders.sort(([a], [b]) => byName(a, b))) {
      const digest = this.#digest(childPath(dir, name), around);
      if (digest === null) return null;
      inner += folderText(name, { ...entry, digest });
    }
    return textDigest(ownDigest(rest) + inner);
  }

  trees(): NearTrees {
    const changed: Tree = new Map();
    const before: Tree = new Map();
    const paths = new Set<string>();
    for (const path of this.#touched) {
      for (let at = path; at !== "" && !paths.has(at); at = parentPath(at)) paths.add(at);
    }
    // Parents come before what lies in them: a path is less than all that begin with it.
    for (const path of [...paths].sort(byName)) {
      const [dir, name] = [parentPath(path), baseName(path)];
      const folder = this.#before.folders.get(path);
      const then = folder ? dirEntry(folder) : this.#then.get(dir)?.get(name);
      const listing = this.#now.get(dir);
      const entry = listing ? listing.get(name) : this.#was(dir) === null ? undefined : then;
      if (entry !== undefined) changed.set(path, entry);
      if (then !== undefined) before.set(path, then);
    }
    if (this.#gone.size > 0) {
      for (const folder of this.#before.folders.values()) {
        if (this.#gone.has(folder.path) || isBelow(folder.path, this.#gone)) this.#add(folder, before);
      }
    }
    return { changed, before };
  }

  #add(folder: SeenFolder, tree: Tree): void {
    for (const [name, entry] of this.#listed(folder)) tree.set(childPath(folder.path, name), entry);
  }
}

/** What only `one` has, but for what lies below such a path. */
export function onlyIn(one: Tree, other: Tree): string[] {
  return topmost([...one.keys()].filter((path) => !other.has(path)));
}

/** Those of `paths` that do not lie below another one. */
export function topmost(paths: readonly string[]): string[] {
  const all = new Set(paths);
  return paths.filter((path) => !isBelow(path, all));
}

/** Whether `path` lies below one of `folders`. */
export function isBelow(path: string, folders: ReadonlySet<string>): boolean {
  for (let at = path; at !== "";) {
    at = parentPath(at);
    if (at !== "" && folders.has(at)) return true;
  }
  return false;
}
