/**
 * The index on disk: SQLite, a row a folder with all that it holds. It is a memory of what was seen, never the truth:
 * whoever opens it looks at the files again. One that is damaged, of another version, or older than the last crash of
 * the machine begins anew under another epoch.
 */
import * as crypto from "node:crypto";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { bootId } from "../boot.ts";
import type { RowText } from "./row.ts";
import { isThere } from "../quiet.ts";

const SCHEMA_VERSION = 1;

/** Tombstones that are kept, and for how long. */
const MAX_TOMBSTONES = 100_000;
const TOMBSTONE_MS = 30 * 24 * 60 * 60 * 1000;

const SCHEMA = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE folder (
  path TEXT NOT NULL UNIQUE, mtime INTEGER NOT NULL, mode INTEGER NOT NULL, born INTEGER NOT NULL,
  seq INTEGER NOT NULL, entries TEXT NOT NULL, stats TEXT NOT NULL, digest TEXT NOT NULL
);
CREATE TABLE tombstone (path TEXT PRIMARY KEY, seq INTEGER NOT NULL, time INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX tombstone_seq ON tombstone (seq);
`;

/** A folder's row. */
export interface FolderRow extends RowText {
  mtime: number;
  mode: number;
  /** The number of the folder's own entry: of its time and permission bits. */
  born: number;
  /** The highest number of anything that changed in it. */
  seq: number;
}

/** Something that was there: a file, a link, or a folder with all that was in it. */
export interface Tombstone {
  path: string;
  seq: number;
}

/** What the index at a place turned out to be. */
export type Opened = "found" | "new" | "rebuilt" | "in_use";

/** A row that was not written by this code, or not as it stands there now. */
export class DamagedIndex extends Error {
  override name = "DamagedIndex";
}

/** The database, open. */
export class IndexDb implements Disposable {
  readonly opened: Opened;
  readonly replica: string;
  readonly epoch: string;
  seq: number;
  /** Tombstones up to this number have been given up. */
  #floor: number;
  #tombstones: number;
  readonly #db: DatabaseSync;
  readonly #select: StatementSync;
  readonly #insert: StatementSync;
  readonly #setMeta: StatementSync;
  readonly #bury: StatementSync;
  readonly #savedSeq = { seq: -1 };

  private constructor(db: DatabaseSync, opened: Opened) {
    this.#db = db;
    this.opened = opened;
    this.#setMeta = db.prepare("INSERT OR REPLACE INTO meta VALUES (?, ?)");
    this.#select = db.prepare(
      "SELECT mtime, mode, born, seq, entries, stats, digest FROM folder WHERE path = ?",
    );
    this.#insert = db.prepare(
      "INSERT INTO folder VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (path) DO UPDATE SET mtime = excluded.mtime, " +
        "mode = excluded.mode, born = excluded.born, seq = excluded.seq, entries = excluded.entries, " +
        "stats = excluded.stats, digest = excluded.digest",
    );
    this.#bury = db.prepare("INSERT OR REPLACE INTO tombstone VALUES (?, ?, ?)");
    this.replica = this.#meta("replica");
    this.epoch = this.#meta("epoch");
    this.seq = Number(this.#meta("seq"));
    this.#floor = Number(this.#meta("floor"));
    if (!Number.isSafeInteger(this.seq) || !Number.isSafeInteger(this.#floor)) throw new DamagedIndex();
    this.#tombstones = Number(db.prepare("SELECT count(*) AS n FROM tombstone").get()?.n ?? 0);
    if (this.#meta("clean") === "0" && this.#meta("boot") !== bootId()) throw new DamagedIndex();
    this.#setMeta.run("boot", bootId());
    this.#setMeta.run("clean", "0");
  }

  /**
   * The index in the folder `dir`, made where there is none. While another process has it, one that lives in memory
   * only. A new one is about the `replica` of that id. Throws what the system says when the folder cannot be written.
   */
  static open(dir: string, replica: string = crypto.randomUUID()): IndexDb {
    Deno.mkdirSync(dir, { recursive: true, mode: 0o700 });
    const path = `${dir}/index.db`;
    const there = isThere(path);
    let db: DatabaseSync | undefined;
    try {
      db = connect(path);
      const version = Number(db.prepare("PRAGMA user_version").get()?.user_version);
      if (there && version === SCHEMA_VERSION) return new IndexDb(db, "found");
      if (!there) return create(db, "new", replica);
    } catch (error) {
      if (isBusy(error)) {
        closeQuietly(db);
        return create(connect(":memory:"), "in_use", replica);
      }
      if (!there) throw error;
    }
    closeQuietly(db);
    removeIndex(dir);
    return create(connect(path), "rebuilt", replica);
  }

  /** For `create`: the class is made of a database that has its tables. */
  static of(db: DatabaseSync, opened: Opened): IndexDb {
    return new IndexDb(db, opened);
  }

  #meta(key: string): string {
    const value = this.#db.prepare("SELECT value FROM meta WHERE key = ?").get(key)?.value;
    if (typeof value !== "string") throw new DamagedIndex();
    return value;
  }

  /** Does `work` as one transaction. */
  transact<T>(work: () => T): T {
    this.#db.exec("BEGIN");
    try {
      const result = work();
      if (this.#savedSeq.seq !== this.seq) this.#setMeta.run("seq", String(this.seq));
      this.#db.exec("COMMIT");
      this.#savedSeq.seq = this.seq;
      return result;
    } catch (error) {
      try {
        this.#db.exec("ROLLBACK");
      } catch {
        // SQLite has already rolled back.
      }
      throw error;
    }
  }

  /** The row of a folder. Throws DamagedIndex when it is not as it was written. */
  get(path: string): FolderRow | null {
    const row = this.#select.get(path);
    if (row === undefined) return null;
    const { mtime, mode, born, seq, entries, stats, digest } = row;
    if (typeof entries !== "string" || typeof stats !== "string" || digest !== rowDigest(entries, stats)) {
      throw new DamagedIndex();
    }
    return {
      mtime: Number(mtime),
      mode: Number(mode),
      born: Number(born),
      seq: Number(seq),
      entries,
      stats,
    };
  }

  /** The row of a folder that has been read. Throws DamagedIndex when there is none, or not as it was written. */
  require(path: string): FolderRow {
    const row = this.get(path);
    if (row === null) throw new DamagedIndex();
    return row;
  }

  /** Writes the row of a folder. */
  put(path: string, row: FolderRow): void {
    const { mtime, mode, born, seq, entries, stats } = row;
    this.#insert.run(path, mtime, mode, born, seq, entries, stats, rowDigest(entries, stats));
  }

  /** Sets what a folder is itself; what is in it stays. */
  restate(path: string, { mtime, mode, born, seq }: Omit<FolderRow, keyof RowText>): void {
    this.#db.prepare("UPDATE folder SET mtime = ?, mode = ?, born = ?, seq = ? WHERE path = ?")
      .run(mtime, mode, born, seq, path);
  }

  /** Forgets the folder and all that lies below it. */
  forget(path: string): void {
    // "0" is the character behind "/".
    this.#db.prepare("DELETE FROM folder WHERE path = ? OR (path > ? AND path < ?)")
      .run(path, path + "/", path + "0");
  }

  /** The paths of all rows. */
  *paths(): Generator<string> {
    for (const { path } of this.#db.prepare("SELECT path FROM folder").all()) yield String(path);
  }

  /** Notes that `path`, with all below it, has gone. */
  bury(path: string, seq: number, now = Date.now()): void {
    this.#bury.run(path, seq, now);
    if (++this.#tombstones > MAX_TOMBSTONES) this.#prune(now);
  }

  #prune(now: number): void {
    const row = this.#db.prepare("SELECT max(seq) AS seq FROM tombstone WHERE time < ?").get(
      now - TOMBSTONE_MS,
    );
    const excess = this.#db.prepare("SELECT seq FROM tombstone ORDER BY seq DESC LIMIT 1 OFFSET ?")
      .get(Math.floor(MAX_TOMBSTONES * 0.9));
    this.#floor = Math.max(this.#floor, Number(row?.seq ?? 0), Number(excess?.seq ?? 0));
    this.#db.prepare("DELETE FROM tombstone WHERE seq <= ?").run(this.#floor);
    this.#setMeta.run("floor", String(this.#floor));
    this.#tombstones = Number(this.#db.prepare("SELECT count(*) AS n FROM tombstone").get()?.n ?? 0);
  }

  /** What has gone after `since`; null when the index does not remember that far back. */
  buried(since: number): Tombstone[] | null {
    if (since < this.#floor) return null;
    return this.#db.prepare("SELECT path, seq FROM tombstone WHERE seq > ? ORDER BY seq").all(since)
      .map(({ path, seq }) => ({ path: String(path), seq: Number(seq) }));
  }

  /** Closes it as whole: the next one to open it may go on counting. */
  [Symbol.dispose](): void {
    try {
      this.#setMeta.run("seq", String(this.seq));
      this.#setMeta.run("clean", "1");
    } finally {
      closeQuietly(this.#db);
    }
  }
}

/** Removes the index in the folder `dir`, which nobody has open. Throws what the system says. */
export function removeIndex(dir: string): void {
  for (const end of ["", "-wal", "-shm"]) remove(`${dir}/index.db${end}`);
}

function create(db: DatabaseSync, opened: Opened, replica: string): IndexDb {
  db.exec(`BEGIN; ${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
  const meta = db.prepare("INSERT INTO meta VALUES (?, ?)");
  const first = {
    replica,
    epoch: crypto.randomBytes(8).toString("hex"),
    seq: "0",
    floor: "0",
    clean: "0",
    boot: bootId(),
  };
  for (const [key, value] of Object.entries(first)) meta.run(key, value);
  return IndexDb.of(db, opened);
}

function connect(path: string): DatabaseSync {
  const db = new DatabaseSync(path);
  try {
    // One process at a time, held by a lock that dies with it. What a crash of the machine loses is seen again.
    db.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
    db.exec("BEGIN EXCLUSIVE; COMMIT; PRAGMA cache_size = -8000");
    return db;
  } catch (error) {
    closeQuietly(db);
    throw error;
  }
}

function rowDigest(entries: string, stats: string): string {
  return crypto.createHash("sha256").update(entries).update("\0").update(stats).digest("hex").slice(0, 32);
}

function isBusy(error: unknown): boolean {
  // SQLITE_BUSY and its extended codes.
  const code = (error as { errcode?: number }).errcode;
  return (code !== undefined && (code & 0xff) === 5) || /database is locked/.test(String(error));
}

function closeQuietly(db: DatabaseSync | undefined): void {
  try {
    db?.close();
  } catch {
    // What it knew is seen again.
  }
}

function remove(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
