/** The SHA-256 sums that an index remembers, a folder at a time, for those who read one file after the other. */
import { baseName, parentPath } from "../../core/paths.ts";
import type { IndexDb } from "./db.ts";
import type { Folder } from "./folder.ts";
import { type Known, readRow, timeOf, writeRow } from "./row.ts";

/** A file that changed so shortly before it was read is not remembered: its next change might not show in its time. */
const SURE_MS = 2000;

/** The sums in the rows of an index. */
export class IndexHashes {
  readonly #db: IndexDb;
  readonly #top: Folder;
  /** The last folder that was looked in. */
  #cached: { folder: Folder; known: Map<string, Known>; unsaved: boolean } | null = null;

  /** For the folders below `top`, which `db` has rows of. */
  constructor(db: IndexDb, top: Folder) {
    this.#db = db;
    this.#top = top;
  }

  /** The SHA-256 of the file at `path`, which `lstat` has just found as `info`, if it is known; lower-case hex. */
  get(path: string, info: Deno.FileInfo): string | null {
    return this.#fileAt(path, info)?.sha256 ?? null;
  }

  /**
   * Keeps the SHA-256 of the file at `path`. `info` is from before it was read and `began` the time of that, in ms
   * since 1970; the caller has seen that the file was the same afterwards.
   */
  set(path: string, info: Deno.FileInfo, { sha256, began }: { sha256: string; began: number }): void {
    const entry = this.#fileAt(path, info);
    if (entry === null || began - Math.max(timeOf(info.mtime), timeOf(info.ctime)) < SURE_MS) return;
    entry.sha256 = sha256;
    this.#cached!.unsaved = true;
  }

  /** Writes down what was kept since the last time. */
  save(): void {
    if (!this.#cached?.unsaved) return;
    this.#cached.unsaved = false;
    const { folder, known } = this.#cached;
    this.#db.put(folder.path, { ...folder, ...writeRow([...known.values()]) });
  }

  /** Saves and lets go of what it has of `folder`, which is about to be read again. */
  release(folder: Folder): void {
    if (this.#cached?.folder !== folder) return;
    this.save();
    this.#cached = null;
  }

  /** Lets go of what it has of `folder`, which has gone: to save it would bring its row back. */
  drop(folder: Folder): void {
    if (this.#cached?.folder === folder) this.#cached = null;
  }

  #fileAt(path: string, info: Deno.FileInfo): Known | null {
    const folder = this.#top.find(parentPath(path));
    if (folder === null) return null;
    if (this.#cached?.folder !== folder) {
      this.save();
      const known = new Map(readRow(this.#db.require(folder.path)).map((entry) => [entry.name, entry]));
      this.#cached = { folder, known, unsaved: false };
    }
    const entry = this.#cached.known.get(baseName(path));
    if (entry?.entry.kind !== "file") return null;
    const same = entry.entry.size === info.size && entry.entry.mtime === timeOf(info.mtime) &&
      entry.ctime === timeOf(info.ctime) && entry.ino === (info.ino ?? 0);
    return same ? entry : null;
  }
}
