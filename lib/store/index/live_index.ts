/**
 * The index of a share while it is served: what every folder holds, kept true by watching.
 *
 * A folder is known when it is watched, the watch was there before the folder was last read, and nothing has happened
 * to it since. `refresh` takes all that the kernel has to tell and reads again what is not known; after it, the index
 * holds every change that was made before it was called. What watching cannot see (`doubtUnsure` in tree.ts) is
 * read again each time; when that is too much, or there is no watching here, the index says so and its users scan.
 */
import { FerryError, osReason } from "../../core/errors.ts";
import { childPath } from "../../core/paths.ts";
import { DamagedIndex, IndexDb, removeIndex, type Tombstone } from "./db.ts";
import type { Below, Folder } from "./folder.ts";
import type { Known } from "./row.ts";
import { IndexTree, RootGone } from "./tree.ts";
import { replicaOf } from "../replica.ts";
import type { HashMemory } from "../read/scan.ts";
import { Waiters } from "./waiters.ts";
import { canWatch, Watches } from "./watches.ts";

/** How long one turn of scanning holds others up. */
const TURN_MS = 5;

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

/** What an index needs from its server. */
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

/** The index was closed or given up while somebody read from it. */
class IndexGone extends Error {
  override name = "IndexGone";
  override message = "the index was given up";
}

/** The index of one share. */
export class LiveIndex {
  readonly root: string;
  readonly #options: LiveIndexOptions;
  readonly #watchable: boolean;
  readonly #waiters = new Waiters();
  /** What is known; null before the first reading, and after it was given up. */
  #tree: IndexTree | null = null;
  /** There is no index any more, nor will there be one. */
  #off = false;
  #running: Promise<void> | null = null;
  #wanted = false;
  #wantedSince = 0;
  #lastUse = -Infinity;
  #lastFull = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #limitTold = false;
  /** Requests that wait for a pass. */
  #urgent = 0;

  /** `root` is the real path of the share. Nothing is read or made before `want`. */
  constructor(root: string, options: LiveIndexOptions) {
    this.root = root;
    this.#options = options;
    this.#watchable = canWatch(root);
  }

  /** Notes that somebody replicates the share: the index is built when there is time, and kept ready. */
  want(): void {
    if (this.#off) return;
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

  /** The id of the replica that it is about, once that is known. */
  get replica(): string | undefined {
    return this.#tree?.db.replica;
  }

  /** Whether the index knows the share, but for what `refresh` would find. */
  get live(): boolean {
    const tree = this.#tree;
    return tree !== null && tree.complete && tree.watched && tree.unsure <= MAX_UNSURE;
  }

  #tick(): void {
    this.#drain();
    if (this.#tree !== null && this.#tree.dirty > 0) this.#waiters.wake();
    if (!this.#wanted || this.#off || this.#running || !this.#watchable) return;
    const now = performance.now();
    const quiet = now - this.#lastUse > QUIET_MS && !this.#options.busy?.();
    if (!quiet && now - this.#wantedSince < PATIENCE_MS) return;
    if (this.#tree?.complete) {
      if (now - this.#lastFull > RESCAN_MS) this.#doubtAll();
      if (this.#tree.dirty === 0 || !this.live) return;
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
    this.#tree!.doubtUnsure();
    if (this.#tree!.dirty === 0 && this.#running === null) return true;
    return await this.#settle() && this.live;
  }

  /** Knows everything anew, watched or not; for those who would else read every file through. */
  async renew(): Promise<void> {
    if (await this.refresh() || this.#off) return;
    if (this.#tree?.complete) this.#doubtAll();
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
    else if (!this.#off && (!this.#tree?.complete || this.#tree.dirty > 0)) await this.#start();
  }

  /** The head of the folder at `path`; null when there is no such folder. Call `refresh` before. */
  head(path: string): Head | null {
    const folder = this.folder(path);
    if (folder === null) return null;
    const { replica, epoch } = this.#tree!.db;
    return { ...folder.below, replica, epoch };
  }

  /** The folder at `path` with all folders below it, as they are now. Call `refresh` before. */
  folder(path: string): Folder | null {
    return this.#tree?.top.find(path) ?? null;
  }

  /** What `folder` holds beside folders, as JSON: a list of entries as in a tree. */
  entriesOf(folder: Folder): string {
    return this.#guarded((tree) => tree.db.require(folder.path).entries);
  }

  /** What `folder` holds beside folders. */
  knownIn(folder: Folder): readonly Known[] {
    return this.#guarded((tree) => tree.knownIn(folder));
  }

  /**
   * Whether what the index has of `folder` holds: it is still there, and nothing about it waits to be read. Throws when
   * the index was given up, or begun anew, since `folder` was found.
   */
  holds(folder: Folder): boolean {
    if (!this.#tree?.owns(folder)) throw new IndexGone();
    return this.#tree.holds(folder);
  }

  /** What went after `since`; null when that is not known any more. */
  buried(since: number): Tombstone[] | null {
    return this.#tree === null ? null : this.#guarded((tree) => tree.db.buried(since));
  }

  /** Resolves when something may have changed, after `ms`, or when `gone`, who asked for it, has gone. */
  changed(ms: number, gone: Promise<void> | undefined): Promise<void> {
    return this.#waiters.wait(ms, gone);
  }

  /** Whether one more may wait in `changed`. */
  get patient(): boolean {
    return this.#waiters.patient;
  }

  /** Ends all waiting, now and from now on. */
  hangUp(): void {
    this.#waiters.hangUp();
  }

  /** The SHA-256 of the file at `path`, as `IndexHashes` has it. */
  cachedHash(path: string, info: Deno.FileInfo): string | null {
    return this.#tree?.complete ? this.#guarded(({ hashes }) => hashes.get(path, info)) : null;
  }

  /** Keeps the SHA-256 of the file at `path`, as `IndexHashes` does. */
  rememberHash(path: string, info: Deno.FileInfo, hash: { sha256: string; began: number }): void {
    if (this.#tree?.complete) this.#guarded(({ hashes }) => hashes.set(path, info, hash));
  }

  /** Writes down the hashes that were remembered since the last time. */
  saveHashes(): void {
    if (this.#tree !== null) this.#guarded(({ hashes }) => hashes.save());
  }

  /** Takes what the kernel has to tell. */
  #drain(): void {
    if (this.#tree?.drain() === false) this.#lastFull = performance.now();
  }

  #doubtAll(): void {
    this.#tree?.doubtAll();
    this.#lastFull = performance.now();
  }

  /** Reads what is dirty now, in turns. A pass that fails switches the index off, or begins it anew. */
  #start(busy?: () => boolean): Promise<void> {
    const pass = this.#pass(busy).finally(() => this.#running = null);
    return this.#running = pass;
  }

  async #pass(busy?: () => boolean): Promise<void> {
    try {
      const tree = this.#tree ??= this.#open();
      const first = !tree.complete;
      const work = tree.read();
      for (;;) {
        const end = performance.now() + TURN_MS;
        const done = tree.db.transact(() => {
          for (;;) {
            if (work.next().done) return true;
            if (performance.now() > end) return false;
          }
        });
        if (done) break;
        const wait = () => busy?.() && this.#urgent === 0;
        do await new Promise((resolve) => setTimeout(resolve, wait() ? 5 : 0)); while (wait());
        // Closed, or begun anew, while it waited.
        if (this.#tree !== tree) return;
      }
      if (first) this.#lastFull = performance.now();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Opens what the index stands on. Throws what the system says. */
  #open(): IndexTree {
    const watches = this.#watchable ? Watches.open() : null;
    try {
      const db = IndexDb.open(this.#options.dir(), replicaOf(this.root) || undefined);
      if (db.opened === "rebuilt") {
        this.#options.warn("the index was damaged or of another version; it is being built anew");
      } else if (db.opened === "in_use") {
        this.#options.warn(
          "another ferry serve has the index of this folder; this one keeps its own in memory",
        );
      }
      return new IndexTree(this.root, { db, watches, onLimit: () => this.#tellLimit() });
    } catch (error) {
      watches?.[Symbol.dispose]();
      throw error;
    }
  }

  #tellLimit(): void {
    if (this.#limitTold) return;
    this.#limitTold = true;
    this.#options.warn(
      "not all folders can be watched, so that syncs read more than they need to; raise fs.inotify.max_user_watches " +
        "(sysctl) above the number of folders",
    );
  }

  /** What remains when the index cannot be kept: scans, as if there were none. */
  #fail(error: unknown): void {
    this.#reset();
    if (error instanceof RootGone) return;
    if (error instanceof DamagedIndex || (error instanceof FerryError && error.code === "protocol")) {
      this.#options.warn("the index was damaged; it is being built anew");
      try {
        removeIndex(this.#options.dir());
      } catch {
        // Opening it will say why.
      }
      this.#wanted = true;
      return;
    }
    this.#off = true;
    this.#options.warn(`no index is kept: ${osReason(error)}; every sync reads the whole folder`);
  }

  /** Reads from the tree. Throws `IndexGone` when there is none; what fails gives it up. */
  #guarded<T>(read: (tree: IndexTree) => T): T {
    if (this.#tree === null) throw new IndexGone();
    try {
      return read(this.#tree);
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  #reset(): void {
    try {
      this.#tree?.[Symbol.dispose]();
    } catch {
      // It is given up.
    }
    this.#tree = null;
  }

  /** Ends it; what it knows is kept for the next process. */
  close(): void {
    clearInterval(this.#timer);
    try {
      this.#tree?.hashes.save();
    } catch {
      // They are made again.
    }
    this.hangUp();
    this.#reset();
    this.#off = true;
  }
}

/** What the index remembers of the files below `base`, for those who read them. */
export function hashMemory(index: LiveIndex, base: string): HashMemory {
  return {
    known: (path, info) => index.cachedHash(childPath(base, path), info),
    learned: (path, info, hash) => index.rememberHash(childPath(base, path), info, hash),
  };
}
