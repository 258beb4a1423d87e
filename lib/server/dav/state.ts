/**
 * What WebDAV has to remember of a share: locks and dead properties, in `dav.db` of its state. The file is made by the
 * first LOCK or PROPPATCH. Several processes may have it open: nothing of it is kept in memory. Paths are those below
 * the root without a link in them, so that a lock holds whatever name its resource is called by.
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { joinRoot } from "../../core/paths.ts";
import { libc } from "../../store/libc.ts";
import { isThere } from "../../store/quiet.ts";
import { DEAD_SCHEMA, DeadProperties } from "./dead_properties.ts";
import { LOCK_SCHEMA, Locks } from "./locks.ts";

const SCHEMA_VERSION = 1;

/** For another process that writes just now. */
const BUSY_MS = 2000;

/** The tables, open. */
export interface DavTables {
  locks: Locks;
  dead: DeadProperties;
}

export interface DavStateOptions {
  /** The folder of the state, made when it is needed. */
  dir: () => string;
  /** The share, a real path. */
  root: string;
  warn: (message: string) => void;
}

/** The memory of WebDAV for one share. */
export class DavState implements Disposable {
  readonly #options: DavStateOptions;
  #dir: string | null | undefined;
  #db: Database | null = null;
  #tables: DavTables | null = null;

  constructor(options: DavStateOptions) {
    this.#options = options;
  }

  /** What is remembered; null as long as there is nothing. */
  get known(): DavTables | null {
    if (this.#tables === null && this.#path !== null && isFileThere(this.#path)) this.#open();
    return this.#tables;
  }

  /** The same, made where it is not there. */
  get tables(): DavTables {
    return this.#tables ?? this.#open();
  }

  /** Something new is at `path`: what was known of a former one is not about it. */
  created(path: string): void {
    this.#after(({ dead }) => dead.remove(path));
  }

  /** What was at `path`, with all below it, is gone. */
  removed(path: string): void {
    this.#after(({ dead, locks }) => {
      dead.remove(path);
      locks.removeTree(path);
    });
  }

  /** What was at `from` is at `to`, where nothing of what was there is left. Locks do not move (section 7.5). */
  moved(from: string, to: string): void {
    this.#after(({ dead, locks }) => {
      dead.move(from, to);
      locks.removeTree(from);
      locks.removeBelow(to);
    });
  }

  /** What is at `from`, with `deep` also all below it, is at `to` too, in place of what was there. */
  copied(from: string, to: string, deep: boolean): void {
    this.#after(({ dead, locks }) => {
      dead.copy(from, to, deep);
      locks.removeBelow(to);
    });
  }

  /** The files have changed already: what cannot be written down is no reason to say that they have not. */
  #after(work: (tables: DavTables) => void): void {
    try {
      const tables = this.known;
      if (tables !== null) this.#db?.transact(() => work(tables));
    } catch (error) {
      this.#options.warn(`cannot write ${this.#path}: ${error instanceof Error ? error.message : error}`);
    }
  }

  get #path(): string | null {
    if (this.#dir === undefined) {
      try {
        this.#dir = this.#options.dir();
      } catch {
        // A server that nobody may write to needs no place for its state.
        this.#dir = null;
      }
    }
    return this.#dir === null ? null : `${this.#dir}/dav.db`;
  }

  #open(): DavTables {
    const { dir, warn, root } = this.#options;
    Deno.mkdirSync(dir(), { recursive: true, mode: 0o700 });
    const path = `${dir()}/dav.db`;
    try {
      this.#db = new Database(path);
    } catch (error) {
      if (!isDamaged(error)) throw error;
      // What it held is not thrown away: somebody may be able to read it.
      const aside = `${path}.damaged-${Date.now()}`;
      Deno.renameSync(path, aside);
      for (const end of ["-wal", "-shm"]) if (isThere(path + end)) Deno.renameSync(path + end, aside + end);
      warn(`the WebDAV properties in ${path} are damaged; they are set aside as ${aside}`);
      this.#db = new Database(path);
    }
    const tables = { locks: new Locks(this.#db), dead: new DeadProperties(this.#db) };
    this.#db.transact(() => tables.dead.prune((path) => isThere(joinRoot(root, path))));
    return this.#tables = tables;
  }

  [Symbol.dispose](): void {
    this.#db?.close();
    this.#db = this.#tables = null;
  }
}

/** Before the first LOCK each change asks for this. Where the library can be called no error is made for the answer. */
function isFileThere(path: string): boolean {
  const library = libc();
  return library === null ? isThere(path) : !library.isMissing(path);
}

/** A database with the tables of this version. */
export class Database {
  readonly #db: DatabaseSync;

  constructor(path: string) {
    const db = new DatabaseSync(path);
    try {
      db.exec(`PRAGMA busy_timeout = ${BUSY_MS}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL`);
      db.exec("BEGIN IMMEDIATE");
      const version = Number(db.prepare("PRAGMA user_version").get()?.user_version);
      if (version === 0) {
        db.exec(`${DEAD_SCHEMA} ${LOCK_SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION}`);
      } else if (version !== SCHEMA_VERSION) {
        throw new Error(`${path} is of version ${version}, which this program does not know`);
      }
      db.exec("COMMIT");
    } catch (error) {
      db.close();
      throw error;
    }
    this.#db = db;
  }

  prepare(sql: string): StatementSync {
    return this.#db.prepare(sql);
  }

  /** Does `work` whole or not at all; nobody else writes meanwhile. */
  transact<T>(work: () => T): T {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.#db.exec("COMMIT");
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

  close(): void {
    this.#db.close();
  }
}

function isDamaged(error: unknown): boolean {
  // SQLITE_CORRUPT and SQLITE_NOTADB.
  const code = ((error as { errcode?: number }).errcode ?? 0) & 0xff;
  return code === 11 || code === 26 || /not a database|malformed/.test(String(error));
}
