/**
 * The index of a share while it is served: what every folder holds, kept true by watching.
 *
 * A folder is known when it is watched, the watch was there before the folder was last read, and nothing has happened
 * to it since. `refresh` takes all that the kernel has to tell and reads again what is not known; after it, the index
 * holds every change that was made before it was called. What watching cannot see (see `unsure`) is read again each
 * time; when that is too much, or there is no watching here, the index says so and its users scan.
 */
import { statfsSync } from "node:fs";
import { FerryError, osReason } from "../core/errors.ts";
import { baseName, childPath, joinRoot, parentPath } from "../core/paths.ts";
import type { DirEntry } from "../core/entry.ts";
import { FILTER_FILE } from "../core/scan_filter.ts";
import { replicaOf } from "./replica.ts";
import { DamagedIndex, type FolderRow, IndexDb } from "./index_db.ts";
import { type Below, Folder } from "./index_folder.ts";
import { type Found, type Known, mergeFound, readRow, summarize, writeRow } from "./index_row.ts";
import { Inotify } from "./inotify.ts";
import { entryOf, type HashMemory, namesIn, readEntry } from "./scan.ts";

/** How long one turn of scanning holds others up. */
const TURN_MS = 5;

/** Entries that are read between two looks at the clock. */
const PIECE_ENTRIES = 500;

/** Without transfers for so long, what is not known is read again, so that the next run need not wait. */
const QUIET_MS = 300;

/** It does not wait longer than this for requests to end. */
const PATIENCE_MS = 10_000;

/** How often events are taken from the kernel, whose queue holds 16,384 of them. */
const DRAIN_MS = 200;

/** Everything is read again after so long: what was written through a memory map, say, no watch tells of. */
const RESCAN_MS = 10 * 60 * 1000;

/** A request waits no longer than this: a scan tells at once what it finds. */
const MAX_REFRESH_MS = 5000;

/** With more folders than this that must be read each time, a scan is as good. */
const MAX_UNSURE = 1000;

/** Clients that wait for a change at a time. */
const MAX_WAITING = 256;

/** File systems whose changes all pass through this kernel: ext, xfs, btrfs, tmpfs, f2fs, zfs, overlay, bcachefs. */
const LOCAL_FILE_SYSTEMS = new Set([
  0xef53,
  0x58465342,
  0x9123683e,
  0x01021994,
  0xf2f52010,
  0x2fc12fc1,
  0x794c7630,
  0xca451a4e,
]);

export interface LiveIndexOptions {
  /** The folder for the index; asked for when it is needed. */
  dir: () => string;
  /** Told, in one line, what an operator should know. */
  warn: (message: string) => void;
  /** Whether requests are under way that shall not wait for reading that nobody asked for. */
  busy?: () => boolean;
}

/** The version of the tree below a folder. */
export interface Head extends Below {
  replica: string;
  epoch: string;
}

/** The shared folder is not there, or is another one than before. */
class RootGone extends Error {
  override name = "RootGone";
}

/** The index was closed or given up while somebody read from it. */
class IndexGone extends Error {
  override name = "IndexGone";
  override message = "the index was given up";
}

export class LiveIndex {
  readonly root: string;
  readonly #options: LiveIndexOptions;
  #state: "unbuilt" | "built" | "off" = "unbuilt";
  #db: IndexDb | null = null;
  #inotify: Inotify | null = null;
  #top = new Folder(null, "");
  readonly #watched = new Map<number, Folder>();
  /** Folders to be read again. */
  readonly #dirty = new Set<Folder>();
  /** The one that is being read, over several turns when it is large. */
  #reading: Folder | null = null;
  /** Folders that have to be read each time. */
  readonly #unsure = new Set<Folder>();
  #running: Promise<void> | null = null;
  #wanted = false;
  #wantedSince = 0;
  #lastUse = -Infinity;
  #lastFull = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #waiting = new Set<() => void>();
  #hungUp = false;
  #limitTold = false;
  /** Requests that wait for a pass. */
  #urgent = 0;
  readonly #watchable: boolean;
  /** The last row that a hash was looked up in. */
  #cached: { folder: Folder; known: Map<string, Known>; unsaved: boolean } | null = null;

  /** `root` is the real path of the share. Nothing is read or made before `want`. */
  constructor(root: string, options: LiveIndexOptions) {
    this.root = root;
    this.#options = options;
    this.#watchable = canWatch(root);
  }

  /** Notes that somebody replicates the share: the index is built when there is time, and kept ready. */
  want(): void {
    if (this.#state === "off") return;
    if (!this.#wanted) this.#wantedSince = performance.now();
    this.#wanted = true;
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.#tick(), DRAIN_MS);
    Deno.unrefTimer(this.#timer as unknown as number);
  }

  /** Notes that a transfer is under way: reading that nobody waits for can wait. */
  giveWay(): void {
    this.#lastUse = performance.now();
  }

  /** Whether the index knows the share, but for what `refresh` would find. */
  /** The id of the replica that it is about, once that is known. */
  get replica(): string | undefined {
    return this.#db?.replica;
  }

  get live(): boolean {
    return this.#state === "built" && this.#inotify !== null && this.#unsure.size <= MAX_UNSURE;
  }

  #tick(): void {
    this.#drain();
    if (this.#dirty.size > 0) { for (const wake of this.#waiting) wake(); }
    if (!this.#wanted || this.#running || !this.#watchable) return;
    const now = performance.now();
    const quiet = now - this.#lastUse > QUIET_MS && !this.#options.busy?.();
    if (!quiet && now - this.#wantedSince < PATIENCE_MS) return;
    if (this.#state === "built") {
      if (now - this.#lastFull > RESCAN_MS) this.#doubtAll();
      if (this.#dirty.size === 0 || !this.live) return;
    }
    this.#wanted = false;
    this.#start(this.#options.busy).catch(() => {});
  }

  /**
   * Brings the index up to this moment. False when it cannot be: not built yet, switched off, too much that cannot be
   * watched, or that has changed.
   */
  async refresh(): Promise<boolean> {
    this.want();
    if (!this.live) return false;
    this.#drain();
    for (const folder of this.#unsure) this.#dirty.add(folder);
    if (this.#dirty.size === 0 && this.#running === null) return true;
    return await this.#settle() && this.live;
  }

  /** Knows everything anew, watched or not; for those who would else read every file through. */
  async renew(): Promise<void> {
    if (await this.refresh() || this.#state === "off") return;
    if (this.#state === "built") this.#doubtAll();
    await this.#settle();
  }

  /** Waits until everything that is dirty now was read; false when that takes too long. */
  async #settle(): Promise<boolean> {
    this.#urgent++;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), MAX_REFRESH_MS);
    });
    try {
      return await Promise.race([this.#readAll().then(() => true), late]);
    } finally {
      clearTimeout(timer);
      this.#urgent--;
    }
  }

  async #readAll(): Promise<void> {
    // A pass that had begun may have missed something; one that begins after it has all of it.
    if (this.#running) await this.#running;
    if (this.#running) await this.#running;
    else if (this.#dirty.size > 0 || this.#state === "unbuilt") await this.#start();
  }

  /** The head of the folder at `path`; null when there is no such folder. Call `refresh` before. */
  head(path: string): Head | null {
    const folder = this.#top.find(path);
    if (folder === null || this.#db === null) return null;
    const { replica, epoch } = this.#db;
    return { ...folder.below, replica, epoch };
  }

  /** The folder at `path` with all folders below it, as they are now. Call `refresh` before. */
  folder(path: string): Folder | null {
    return this.#top.find(path);
  }

  /** What `folder` holds beside folders, as JSON: a list of entries as in a tree. */
  entriesOf(folder: Folder): string {
    return this.#guarded(() => this.#rowOf(folder).entries);
  }

  /** What `folder` holds beside folders. */
  knownIn(folder: Folder): Known[] {
    return this.#guarded(() => readRow(this.#rowOf(folder)));
  }

  /**
   * Whether what the index has of `folder` holds: it is still there, and nothing about it waits to be read. Throws when
   * the index was given up, or begun anew, since `folder` was found.
   */
  holds(folder: Folder): boolean {
    let top = folder;
    while (top.parent !== null) top = top.parent;
    if (this.#db === null || top !== this.#top) throw new IndexGone();
    return !this.#dirty.has(folder) && folder !== this.#reading && this.#top.find(folder.path) === folder;
  }

  #rowOf(folder: Folder): FolderRow {
    if (this.#db === null) throw new IndexGone();
    const row = this.#db.get(folder.path);
    if (row === null) throw new DamagedIndex();
    return row;
  }

  /** What went after `since`; null when that is not known any more. */
  buried(since: number): { path: string; seq: number }[] | null {
    return this.#db === null ? null : this.#guarded(() => this.#db!.buried(since));
  }

  /** Resolves when something may have changed, after `ms`, or when `gone`, who asked for it, has gone. */
  changed(ms: number, gone: Promise<void> | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#waiting.add(done);
      gone?.then(done, done);
    });
  }

  /** Whether one more may wait in `changed`. */
  get patient(): boolean {
    return !this.#hungUp && this.#waiting.size < MAX_WAITING;
  }

  /** Ends all waiting, now and from now on. */
  hangUp(): void {
    this.#hungUp = true;
    for (const wake of [...this.#waiting]) wake();
  }

  /** The SHA-256 of the file at `path`, which `lstat` has just found as `info`, if it is known; lower-case hex. */
  cachedHash(path: string, info: Deno.FileInfo): string | null {
    return this.#fileAt(path, info)?.sha256 ?? null;
  }

  /**
   * Keeps the SHA-256 of the file at `path`. `info` is from before it was read and `began` the time of that, in ms
   * since 1970; the caller has seen that the file was the same afterwards. A file that changed in the two seconds
   * before is not remembered: its next change might not show.
   */
  rememberHash(
    path: string,
    info: Deno.FileInfo,
    { sha256, began }: { sha256: string; began: number },
  ): void {
    const entry = this.#fileAt(path, info);
    if (entry === null || began - Math.max(timeOf(info.mtime), timeOf(info.ctime)) < 2000) return;
    entry.sha256 = sha256;
    this.#cached!.unsaved = true;
  }

  /** Writes down the hashes that were remembered since the last time. */
  saveHashes(): void {
    if (!this.#cached?.unsaved) return;
    this.#cached.unsaved = false;
    const { folder, known } = this.#cached;
    this.#guarded(() => this.#db!.put(folder.path, { ...folder, ...writeRow([...known.values()]) }));
  }

  #fileAt(path: string, info: Deno.FileInfo): Known | null {
    const slash = path.lastIndexOf("/");
    const folder = this.#top.find(slash === -1 ? "" : path.slice(0, slash));
    if (folder === null || this.#state !== "built") return null;
    if (this.#cached?.folder !== folder) {
      this.saveHashes();
      const known = new Map(this.knownIn(folder).map((entry) => [entry.name, entry]));
      this.#cached = { folder, known, unsaved: false };
    }
    const entry = this.#cached.known.get(path.slice(slash + 1));
    if (entry?.entry.kind !== "file") return null;
    const same = entry.entry.size === info.size && entry.entry.mtime === timeOf(info.mtime) &&
      entry.ctime === timeOf(info.ctime) && entry.ino === (info.ino ?? 0);
    return same ? entry : null;
  }

  /** Takes what the kernel has to tell. */
  #drain(): void {
    if (this.#inotify === null) return;
    const whole = this.#inotify.drain((wd, event) => {
      const folder = this.#watched.get(wd);
      if (folder === undefined) return;
      this.#dirty.add(folder);
      if (event === "ended") this.#unwatch(folder);
    });
    if (!whole) this.#doubtAll();
  }

  #doubtAll(): void {
    for (const folder of this.#top.walk()) this.#dirty.add(folder);
    this.#lastFull = performance.now();
  }

  /** Reads what is dirty now, in turns. A pass that fails switches the index off, or begins it anew. */
  #start(busy?: () => boolean): Promise<void> {
    const pass = this.#pass(busy).finally(() => this.#running = null);
    return this.#running = pass;
  }

  async #pass(busy?: () => boolean): Promise<void> {
    try {
      if (this.#state === "unbuilt" && !this.#open()) return;
      const db = this.#db!;
      const work = this.#readDirty();
      for (;;) {
        const end = performance.now() + TURN_MS;
        const done = db.transact(() => {
          for (;;) {
            if (work.next().done) return true;
            if (performance.now() > end) return false;
          }
        });
        if (done) break;
        const wait = () => busy?.() && this.#urgent === 0;
        do await new Promise((resolve) => setTimeout(resolve, wait() ? 5 : 0)); while (wait());
        // Closed, or begun anew, while it waited.
        if (this.#db !== db) return;
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Opens what the index stands on. False, and off for good, when there can be none here. */
  #open(): boolean {
    this.#inotify = this.#watchable ? Inotify.open() : null;
    this.#db = IndexDb.open(this.#options.dir(), replicaOf(this.root) || undefined);
    if (this.#db.opened === "rebuilt") {
      this.#options.warn("the index was damaged or of another version; it is being built anew");
    } else if (this.#db.opened === "in_use") {
      this.#options.warn(
        "another ferry serve has the index of this folder; this one keeps its own in memory",
      );
    }
    this.#dirty.add(this.#top);
    return true;
  }

  /** What remains when the index cannot be kept: scans, as if there were none. */
  #fail(error: unknown): void {
    this.#reset();
    if (error instanceof RootGone) {
      this.#state = "unbuilt";
      return;
    }
    if (error instanceof DamagedIndex || (error instanceof FerryError && error.code === "protocol")) {
      this.#options.warn("the index was damaged; it is being built anew");
      this.#state = "unbuilt";
      this.#removeFiles();
      this.#wanted = true;
      return;
    }
    this.#state = "off";
    this.#options.warn(`no index is kept: ${osReason(error)}; every sync reads the whole folder`);
  }

  #removeFiles(): void {
    for (const end of ["", "-wal", "-shm"]) {
      try {
        Deno.removeSync(`${this.#options.dir()}/index.db${end}`);
      } catch {
        // Not there.
      }
    }
  }

  #guarded<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof IndexGone)) this.#fail(error);
      throw error;
    }
  }

  *#readDirty(): Generator<void> {
    const first = this.#state === "unbuilt";
    const db = this.#db!;
    const queue = [...this.#dirty];
    for (let folder = queue.pop(); folder !== undefined; folder = queue.pop()) {
      if (!this.#dirty.delete(folder)) continue;
      this.#reading = folder;
      yield* this.#read(folder, (child) => queue.push(child));
      this.#reading = null;
      yield;
    }
    if (!first) return;
    // What the last process knew and is not there any more.
    for (const path of [...db.paths()]) {
      if (this.#top.find(path) !== null) continue;
      db.forget(path);
      const parent = this.#top.find(parentPath(path));
      if (parent === null) continue;
      parent.seq = ++db.seq;
      parent.invalidate();
      db.restate(parent.path, parent);
      if (!this.knownIn(parent).some(({ name }) => name === baseName(path))) db.bury(path, db.seq);
    }
    this.#state = "built";
    this.#lastFull = performance.now();
  }

  /** Reads one folder again, after its watch is in place; tells of the folders in it that are new. */
  *#read(folder: Folder, onNew: (child: Folder) => void): Generator<void> {
    const db = this.#db!;
    const full = joinRoot(this.root, folder.path);
    const info = this.#look(folder, full);
    if (info === null) return;
    this.#watch(folder, full);
    if (this.#cached?.folder === folder) {
      this.saveHashes();
      this.#cached = null;
    }
    const row = db.get(folder.path);
    const before = { mtime: folder.mtime, mode: folder.mode };
    Object.assign(folder, selfOf(info, full));
    if (folder.ino === 0 && row !== null) Object.assign(before, { mtime: row.mtime, mode: row.mode });
    if (folder.ino === 0) Object.assign(folder, { born: row?.born ?? 0, seq: row?.seq ?? 0 });
    folder.ino = info.ino ?? 0;
    folder.dev = info.dev;
    const reborn = folder.born === 0 || before.mtime !== folder.mtime || before.mode !== folder.mode;
    if (reborn) folder.born = ++db.seq;

    const found: Found[] = [];
    const seen = new Set<string>();
    let linked = false;
    let problem: Folder["problem"] = null;
    let names: string[] = [];
    try {
      names = namesIn(full);
    } catch (error) {
      problem = { code: "unreadable", message: `cannot read the folder: ${osReason(error)}` };
    }
    for (const [at, name] of names.entries()) {
      if (at % PIECE_ENTRIES === PIECE_ENTRIES - 1) yield;
      let stat: Deno.FileInfo | undefined;
      const path = childPath(folder.path, name);
      const entry = readEntry(joinRoot(this.root, path), path, name, (info) => stat = info);
      if (entry.kind === "dir") {
        seen.add(name);
        this.#meet(folder, name, { info: stat!, onNew });
        continue;
      }
      if (entry.kind === "file" && (stat?.nlink ?? 1) > 1) linked = true;
      found.push({ name, entry, ctime: timeOf(stat?.ctime), ino: stat?.ino ?? 0 });
    }
    const gone = [...folder.children.values()].filter((child) => !seen.has(child.name));
    for (const child of gone) this.#drop(child);

    const merged = mergeFound(row === null ? [] : readRow(row), found, () => ++db.seq);
    // What took the place of another thing speaks for itself.
    const files = new Set(found.map(({ name }) => name));
    for (const { name } of gone) if (!files.has(name)) db.bury(childPath(folder.path, name), ++db.seq);
    for (const name of merged.gone) if (!seen.has(name)) db.bury(childPath(folder.path, name), ++db.seq);
    if (merged.changed || gone.length > 0) folder.seq = db.seq;
    if (row === null || merged.changed || merged.restated) {
      db.put(folder.path, { ...folder, ...writeRow(merged.known) });
    } else if (reborn || gone.length > 0) {
      db.restate(folder.path, folder);
    }
    folder.problem = problem;
    folder.rules = files.has(FILTER_FILE);
    Object.assign(folder, summarize(merged.known));
    folder.invalidate();
    // A file with other names may be written through them, and what is mounted here is another's.
    folder.unsure = folder.wd === -1 || linked || folder.dev !== this.#top.dev;
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
      this.#dirty.add(parent);
    }
    return null;
  }

  #watch(folder: Folder, full: string): void {
    if (folder.wd !== -1 || this.#inotify === null) return;
    const wd = this.#inotify.add(full);
    if (typeof wd !== "number") {
      if (wd === "limit") this.#tellLimit();
      return;
    }
    // The same folder under another path: moved a moment ago, or mounted twice.
    const other = this.#watched.get(wd);
    if (other !== undefined) {
      other.wd = -1;
      this.#dirty.add(other);
    }
    folder.wd = wd;
    this.#watched.set(wd, folder);
  }

  #tellLimit(): void {
    if (this.#limitTold) return;
    this.#limitTold = true;
    this.#options.warn(
      "not all folders can be watched, so that syncs read more than they need to; raise fs.inotify.max_user_watches " +
        "(sysctl) above the number of folders",
    );
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
    this.#dirty.add(child);
    onNew(child);
  }

  /** Forgets a folder and all below it. */
  #drop(folder: Folder): void {
    folder.parent?.children.delete(folder.name);
    for (const each of folder.walk()) {
      this.#unwatch(each, true);
      this.#dirty.delete(each);
      this.#unsure.delete(each);
    }
    this.#db!.forget(folder.path);
  }

  #unwatch(folder: Folder, remove = false): void {
    if (folder.wd === -1) return;
    this.#watched.delete(folder.wd);
    if (remove) this.#inotify?.remove(folder.wd);
    folder.wd = -1;
  }

  #reset(): void {
    try {
      this.#cached = null;
      this.#db?.[Symbol.dispose]();
    } catch {
      // It is given up.
    }
    this.#db = null;
    this.#inotify?.[Symbol.dispose]();
    this.#inotify = null;
    this.#top = new Folder(null, "");
    this.#watched.clear();
    this.#dirty.clear();
    this.#reading = null;
    this.#unsure.clear();
  }

  /** Ends it; what it knows is kept for the next process. */
  close(): void {
    clearInterval(this.#timer);
    try {
      this.saveHashes();
    } catch {
      // They are made again.
    }
    this.hangUp();
    this.#reset();
    this.#state = "off";
  }
}

/** What the index remembers of the files below `base`, for those who read them. */
export function hashMemory(index: LiveIndex, base: string): HashMemory {
  return {
    known: (path, info) => index.cachedHash(childPath(base, path), info),
    learned: (path, info, hash) => index.rememberHash(childPath(base, path), info, hash),
  };
}

/** Whether all changes below `root` pass through this kernel and it can tell of them, as far as can be known. */
export function canWatch(root: string): boolean {
  try {
    return Deno.build.os === "linux" && LOCAL_FILE_SYSTEMS.has(Number(statfsSync(root).type) >>> 0);
  } catch {
    return false;
  }
}

/** The time and permission bits of a folder, as a tree shows them. */
function selfOf(info: Deno.FileInfo, full: string): { mtime: number; mode: number } {
  const { mtime, mode } = entryOf(info, full) as DirEntry;
  return { mtime, mode };
}

function timeOf(date: Date | null | undefined): number {
  return date?.getTime() ?? 0;
}
