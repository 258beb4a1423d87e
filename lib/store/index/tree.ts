/**
 * The folders of a share as its index knows them: in memory a record a folder, on disk a row, each watched where the
 * kernel can be asked. Here is what reads a folder again and lays what it finds over what was known; when to do so is
 * for live_index.ts to say.
 */
import { osReason } from "../../core/errors.ts";
import type { DirEntry, Entry } from "../../core/entry.ts";
import { baseName, childPath, joinRoot, parentPath, RESERVED_NAME } from "../../core/paths.ts";
import { FILTER_FILE } from "../../core/scan_filter.ts";
import type { FolderRow, IndexDb } from "./db.ts";
import { Folder } from "./folder.ts";
import { IndexHashes } from "./hashes.ts";
import {
  type Found,
  type Known,
  mergeFound,
  mergeTold,
  readRow,
  summarize,
  timeOf,
  writeRow,
} from "./row.ts";
import { entryOf, namesIn, readEntry } from "../read/scan.ts";
import type { Watches } from "./watches.ts";

/** Entries that are read in one step. */
const PIECE_ENTRIES = 500;

/** With more changes in a folder than this it is read as a whole. */
const MAX_TOLD = 200;

/** Entries of folders that are kept at hand, at most. */
const MAX_RECENT = 20_000;

/** The shared folder is not there, or is another one than before. */
export class RootGone extends Error {
  override name = "RootGone";
}

/** What an index stands on. */
export interface IndexBase {
  db: IndexDb;
  /** Null where nothing can be watched. */
  watches: Watches | null;
  /** Told when the kernel watches no more folders. */
  onLimit: () => void;
}

/** What a look into a folder found. */
interface Listing {
  /** What is no folder. */
  found: Found[];
  /** Names of folders. */
  folders: Set<string>;
  /** Whether a file has several names. */
  linked: boolean;
  problem: Folder["problem"];
}

/** The folders of a share, from the first reading until they are given up. */
export class IndexTree implements Disposable {
  readonly db: IndexDb;
  readonly top = new Folder(null, "");
  readonly hashes: IndexHashes;
  /** Whether every folder has been read once. */
  complete = false;
  readonly #root: string;
  readonly #base: IndexBase;
  /** Folders to be read again. */
  readonly #dirty = new Set<Folder>([this.top]);
  /** Of some of them, the names of all that happened since they were known: the rest is as it was. */
  readonly #told = new Map<Folder, Set<string>>();
  /** What some of those hold that were read last, as in their rows but for hashes. */
  readonly #recent = new Map<Folder, readonly Known[]>();
  #recentEntries = 0;
  /** Folders that have to be read each time. */
  readonly #unsure = new Set<Folder>();
  /** The one that is being read, over several steps when it is large. */
  #reading: Folder | null = null;

  /** `root` is the real path of the share. */
  constructor(root: string, base: IndexBase) {
    this.#root = root;
    this.#base = base;
    this.db = base.db;
    this.hashes = new IndexHashes(base.db, this.top);
  }

  /** Whether changes are told of. */
  get watched(): boolean {
    return this.#base.watches !== null;
  }

  /** How many folders have to be read each time: no watch tells of all that happens in them. */
  get unsure(): number {
    return this.#unsure.size;
  }

  /** How many folders are to be read again. */
  get dirty(): number {
    return this.#dirty.size;
  }

  /** What `folder` holds beside folders. Throws `DamagedIndex`. */
  knownIn(folder: Folder): readonly Known[] {
    return this.#recent.get(folder) ?? readRow(this.db.require(folder.path));
  }

  /** Keeps for a while what a folder holds that has just changed: somebody is about to ask for it. */
  #recall(folder: Folder, known: readonly Known[]): void {
    this.#recentEntries += known.length;
    if (this.#recentEntries > MAX_RECENT) {
      this.#recent.clear();
      this.#recentEntries = known.length;
    }
    this.#recent.set(folder, known);
  }

  /** Whether `folder` is of this tree, and not of one that was given up since. */
  owns(folder: Folder): boolean {
    let top = folder;
    while (top.parent !== null) top = top.parent;
    return top === this.top;
  }

  /** Whether `folder` is still there, and nothing about it waits to be read. */
  holds(folder: Folder): boolean {
    return !this.#dirty.has(folder) && folder !== this.#reading && this.top.find(folder.path) === folder;
  }

  /** Takes what the kernel has to tell. False when anything may have happened: all is to be read again then. */
  drain(): boolean {
    const whole = this.#base.watches?.drain((folder, name) => this.#tell(folder, name)) ?? true;
    if (!whole) this.doubtAll();
    return whole;
  }

  #tell(folder: Folder, name: string | null): void {
    const told = this.#told.get(folder);
    if (name === null || (told === undefined && this.#dirty.has(folder)) || told?.size === MAX_TOLD) {
      this.#doubt(folder);
    } else if (told !== undefined) told.add(name);
    else {
      this.#dirty.add(folder);
      this.#told.set(folder, new Set([name]));
    }
  }

  /** The folder is to be read again as a whole. */
  #doubt(folder: Folder): void {
    this.#told.delete(folder);
    this.#dirty.add(folder);
  }

  /** All folders are to be read again. */
  doubtAll(): void {
    for (const folder of this.top.walk()) this.#doubt(folder);
  }

  /** Those are to be read again that no watch tells of. */
  doubtUnsure(): void {
    for (const folder of this.#unsure) this.#doubt(folder);
  }

  /** Reads what is to be read now, in steps. Throws `RootGone`, `DamagedIndex`, and what the system says. */
  *read(): Generator<void> {
    const queue = [...this.#dirty];
    for (let folder = queue.pop(); folder !== undefined; folder = queue.pop()) {
      if (!this.#dirty.delete(folder)) continue;
      this.#reading = folder;
      yield* this.#readFolder(folder, (child) => queue.push(child));
      this.#reading = null;
      yield;
    }
    if (this.complete) return;
    this.#buryLeftOver();
    this.complete = true;
  }

  /** What the last process knew and is not there any more. */
  #buryLeftOver(): void {
    const { db } = this;
    for (const path of [...db.paths()]) {
      if (this.top.find(path) !== null) continue;
      db.forget(path);
      const parent = this.top.find(parentPath(path));
      if (parent === null) continue;
      parent.seq = ++db.seq;
      parent.invalidate();
      db.restate(parent.path, parent);
      if (!this.knownIn(parent).some(({ name }) => name === baseName(path))) db.bury(path, db.seq);
    }
  }

  /** Reads one folder again, after its watch is in place; tells of the folders in it that are new. */
  *#readFolder(folder: Folder, onNew: (child: Folder) => void): Generator<void> {
    const { db } = this;
    const told = this.#told.get(folder);
    this.#told.delete(folder);
    this.#recent.delete(folder);
    const full = joinRoot(this.#root, folder.path);
    const info = this.#look(folder, full);
    if (info === null) return;
    const watched = folder.wd !== -1;
    this.#watch(folder, full);
    this.hashes.release(folder);
    const row = db.get(folder.path);
    const reborn = this.#takeSelf(folder, { info, full, row });

    const known = row === null ? [] : readRow(row);
    const again = row !== null && watched && told ? this.#listAgain(folder, told) : null;
    const { found, folders, linked, problem } = again ?? (yield* this.#list(folder, full, onNew));
    const gone = [...folder.children.values()].filter((child) => !folders.has(child.name));
    for (const child of gone) this.#drop(child);
    const next = () => ++db.seq;
    const merged = again ? mergeTold(known, { told: told!, found }, next) : mergeFound(known, found, next);
    // What took the place of a file speaks for itself.
    for (const name of merged.gone) if (!folders.has(name)) db.bury(childPath(folder.path, name), ++db.seq);
    if (merged.changed || gone.length > 0) folder.seq = db.seq;
    if (row === null || merged.changed || merged.restated) {
      db.put(folder.path, { ...folder, ...writeRow(merged.known) });
    } else if (reborn || gone.length > 0) {
      db.restate(folder.path, folder);
    }
    folder.problem = problem;
    folder.rules = merged.known.some(({ name }) => name === FILTER_FILE);
    if (again) this.#recall(folder, merged.known);
    Object.assign(folder, summarize(merged.known));
    folder.invalidate();
    // A file with other names may be written through them, and what is mounted here is another's.
    folder.unsure = folder.wd === -1 || linked || folder.dev !== this.top.dev;
    if (folder.unsure) this.#unsure.add(folder);
    else this.#unsure.delete(folder);
  }

  /** What `folder` is now; null when it is not that folder any more, which its parent is then asked about. */
  #look(folder: Folder, full: string): Deno.FileInfo | null {
    const { parent } = folder;
    let info: Deno.FileInfo | null = null;
    try {
      info = Deno.lstatSync(full);
    } catch (error) {
      if (parent === null) throw new RootGone(undefined, { cause: error });
    }
    const same = info?.isDirectory &&
      (folder.ino === 0 || info.ino === folder.ino && info.dev === folder.dev);
    if (same) return info;
    if (parent === null) throw new RootGone();
    if (parent.children.get(folder.name) === folder) {
      this.#drop(folder);
      parent.invalidate();
      this.#doubt(parent);
    }
    return null;
  }

  #watch(folder: Folder, full: string): void {
    const watched = this.#base.watches?.add(folder, full);
    if (watched?.kind === "limit") this.#base.onLimit();
    if (watched?.kind === "watched" && watched.moved !== undefined) this.#doubt(watched.moved);
  }

  /** Takes over the folder's own time, mode and identity. Gives whether a tree would show a difference. */
  #takeSelf(
    folder: Folder,
    { info, full, row }: { info: Deno.FileInfo; full: string; row: FolderRow | null },
  ): boolean {
    const first = folder.ino === 0;
    const before = first && row !== null ? row : { mtime: folder.mtime, mode: folder.mode };
    const { mtime, mode } = entryOf(info, full) as DirEntry;
    if (first) Object.assign(folder, { born: row?.born ?? 0, seq: row?.seq ?? 0 });
    Object.assign(folder, { mtime, mode, ino: info.ino ?? 0, dev: info.dev });
    const reborn = folder.born === 0 || before.mtime !== mtime || before.mode !== mode;
    if (reborn) folder.born = ++this.db.seq;
    return reborn;
  }

  *#list(folder: Folder, full: string, onNew: (child: Folder) => void): Generator<void, Listing> {
    const listing: Listing = { found: [], folders: new Set(), linked: false, problem: null };
    let names: string[] = [];
    try {
      names = namesIn(full);
    } catch (error) {
      listing.problem = { code: "unreadable", message: `cannot read the folder: ${osReason(error)}` };
    }
    for (const [at, name] of names.entries()) {
      if (at % PIECE_ENTRIES === PIECE_ENTRIES - 1) yield;
      const { entry, stat } = this.#entry(folder, name);
      if (entry.kind === "dir") {
        listing.folders.add(name);
        this.#meet(folder, name, { info: stat!, onNew });
        continue;
      }
      if (entry.kind === "file" && (stat?.nlink ?? 1) > 1) listing.linked = true;
      listing.found.push(foundAs(name, entry, stat));
    }
    return listing;
  }

  /** What is there under the names that are `told`; null when it takes a whole look after all. */
  #listAgain(folder: Folder, told: ReadonlySet<string>): Listing | null {
    if (folder.unsure || folder.problem !== null) return null;
    const found: Found[] = [];
    let linked = false;
    for (const name of told) {
      if (name === RESERVED_NAME) continue;
      // Two names that are not UTF-8 may look alike.
      if (name.includes("\ufffd") || folder.children.has(name)) return null;
      const { entry, stat } = this.#entry(folder, name);
      if (entry.kind === "dir") return null;
      if (entry.kind === "problem" && entry.code === "vanished") continue;
      if (entry.kind === "file" && (stat?.nlink ?? 1) > 1) linked = true;
      found.push(foundAs(name, entry, stat));
    }
    return { found, folders: new Set(folder.children.keys()), linked, problem: null };
  }

  #entry(folder: Folder, name: string): { entry: Entry; stat: Deno.FileInfo | undefined } {
    let stat: Deno.FileInfo | undefined;
    const path = childPath(folder.path, name);
    const entry = readEntry(joinRoot(this.#root, path), path, name, (info) => stat = info);
    return { entry, stat };
  }

  /** Takes note of the folder `name` in `folder`. */
  #meet(
    folder: Folder,
    name: string,
    { info, onNew }: { info: Deno.FileInfo; onNew: (child: Folder) => void },
  ): void {
    const known = folder.children.get(name);
    // One that was not looked at yet is in the queue.
    if (known !== undefined && (known.ino === 0 || (known.ino === info.ino && known.dev === info.dev))) {
      return;
    }
    if (known !== undefined) this.#drop(known);
    const child = new Folder(folder, name);
    folder.children.set(name, child);
    this.#doubt(child);
    onNew(child);
  }

  /** Forgets a folder and all below it, and notes that it has gone: what takes its place is another one. */
  #drop(folder: Folder): void {
    if (folder.parent !== null) {
      folder.parent.children.delete(folder.name);
      this.db.bury(folder.path, folder.parent.seq = ++this.db.seq);
    }
    for (const each of folder.walk()) {
      this.#base.watches?.remove(each);
      this.#dirty.delete(each);
      this.#told.delete(each);
      this.#recent.delete(each);
      this.hashes.drop(each);
      this.#unsure.delete(each);
    }
    this.db.forget(folder.path);
  }

  /** Gives up what it stands on; hashes that were not saved are lost. */
  [Symbol.dispose](): void {
    try {
      this.db[Symbol.dispose]();
    } finally {
      this.#base.watches?.[Symbol.dispose]();
    }
  }
}

function foundAs(name: string, entry: Entry, stat: Deno.FileInfo | undefined): Found {
  return { name, entry, ctime: timeOf(stat?.ctime), ino: stat?.ino ?? 0 };
}
