/** Write locks (RFC 4918 sections 6 and 7). */
import * as crypto from "node:crypto";
import type { StatementSync } from "node:sqlite";
import { FerryError } from "../../core/errors.ts";
import { parentPath } from "../../core/paths.ts";
import type { Database } from "./state.ts";

/** A lock that holds. */
export interface Lock {
  token: string;
  /** What is locked, with `deep` also all below it. */
  path: string;
  /** The URL path that it was locked by. */
  root: string;
  deep: boolean;
  shared: boolean;
  /** XML that the client sent, or empty. */
  owner: string;
  /** Who may use its token; null for anybody who has not logged in. */
  user: string | null;
  /** When it ends, in milliseconds since 1970. */
  expires: number;
}

/** A user is kept with a mark before the name, nobody as an empty text. */
export const LOCK_SCHEMA = `
CREATE TABLE lock (
  token TEXT PRIMARY KEY, path TEXT NOT NULL, root TEXT NOT NULL, deep INTEGER NOT NULL, shared INTEGER NOT NULL,
  owner TEXT NOT NULL, user TEXT NOT NULL, expires INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX lock_path ON lock (path);`;

/** Of one share: each may be a request that nobody will ever end. */
const MAX_LOCKS = 10_000;

/** Shared locks of one resource: a PROPFIND tells all of them, for each entry of a folder. */
const MAX_SHARED = 64;

/** Takes the path twice: Deno before 2.9 knows no numbered parameters. "0" is the character behind "/". */
const BELOW = "path > ? || '/' AND path < ? || '0'";

/** The locks of a share. Those that have run out are not there. */
export class Locks {
  readonly #db: Database;
  readonly #any: StatementSync;
  readonly #above: StatementSync;
  readonly #below: StatementSync;
  readonly #all: StatementSync;

  constructor(db: Database) {
    this.#db = db;
    this.#any = db.prepare("SELECT 1 FROM lock LIMIT 1");
    this.#above = db.prepare("SELECT * FROM lock WHERE path = ? AND expires > ?");
    this.#below = db.prepare(`SELECT * FROM lock WHERE ${BELOW} AND expires > ?`);
    this.#all = db.prepare("SELECT * FROM lock WHERE path <> '' AND expires > ?");
  }

  /** Whether there may be any: quickly told for every request that writes. */
  get any(): boolean {
    return this.#any.get() !== undefined;
  }

  /** The locks that hold at `path`: its own, and deep ones of the folders above it. */
  covering(path: string, now = Date.now()): Lock[] {
    const found: Lock[] = [];
    for (let at = path;; at = parentPath(at)) {
      for (const row of this.#above.all(at, now)) {
        const lock = lockOf(row);
        if (lock.deep || at === path) found.push(lock);
      }
      if (at === "") return found;
    }
  }

  /** The locks of what lies below `path`. */
  below(path: string, now = Date.now()): Lock[] {
    return (path === "" ? this.#all.all(now) : this.#below.all(path, path, now)).map(lockOf);
  }

  /** `covering` for many paths: those without a lock at or above them, as they are now, cost no query. */
  snapshot(now = Date.now()): (path: string) => readonly Lock[] {
    const locked = new Set<string>();
    for (const { path } of this.#db.prepare("SELECT path FROM lock WHERE expires > ?").all(now)) {
      locked.add(String(path));
    }
    return (path) => isAtOrBelow(locked, path) ? this.covering(path, now) : NONE;
  }

  /**
   * Adds a lock for `seconds`, unless one that is there does not go with it: gives the new one, or those in its way.
   * Throws `too_many`.
   */
  add(wanted: Omit<Lock, "token" | "expires">, seconds: number): { lock: Lock } | { inTheWay: Lock[] } {
    const now = Date.now();
    return this.#db.transact(() => {
      this.#db.prepare("DELETE FROM lock WHERE expires <= ?").run(now);
      const covering = this.covering(wanted.path, now);
      const others = wanted.deep ? [...covering, ...this.below(wanted.path, now)] : covering;
      const inTheWay = others.filter((other) => !(other.shared && wanted.shared));
      if (inTheWay.length > 0) return { inTheWay };
      if (covering.length >= MAX_SHARED) {
        throw new FerryError("too_many", `a resource has at most ${MAX_SHARED} locks; try again later`);
      }
      if (Number(this.#db.prepare("SELECT count(*) AS n FROM lock").get()?.n) >= MAX_LOCKS) {
        throw new FerryError("too_many", "this server holds as many locks as it can; try again later");
      }
      const lock = { ...wanted, token: `urn:uuid:${crypto.randomUUID()}`, expires: now + seconds * 1000 };
      this.#db.prepare("INSERT INTO lock VALUES (?, ?, ?, ?, ?, ?, ?, ?)").run(
        lock.token,
        lock.path,
        lock.root,
        Number(lock.deep),
        Number(lock.shared),
        lock.owner,
        lock.user === null ? "" : `=${lock.user}`,
        lock.expires,
      );
      return { lock };
    });
  }

  /** Lets a lock last `seconds` from now. */
  refresh(lock: Lock, seconds: number): Lock {
    const expires = Date.now() + seconds * 1000;
    this.#db.prepare("UPDATE lock SET expires = ? WHERE token = ?").run(expires, lock.token);
    return { ...lock, expires };
  }

  remove(token: string): void {
    this.#db.prepare("DELETE FROM lock WHERE token = ?").run(token);
  }

  /** Ends the locks of `path` and of all below it. */
  removeTree(path: string): void {
    this.#db.prepare("DELETE FROM lock WHERE path = ?").run(path);
    this.removeBelow(path);
  }

  removeBelow(path: string): void {
    this.#db.prepare(`DELETE FROM lock WHERE ${BELOW}`).run(path, path);
  }
}

const NONE: readonly Lock[] = [];

function isAtOrBelow(locked: ReadonlySet<string>, path: string): boolean {
  if (locked.size === 0) return false;
  for (let at = path;; at = parentPath(at)) {
    if (locked.has(at)) return true;
    if (at === "") return false;
  }
}

function lockOf(row: Record<string, unknown>): Lock {
  const user = String(row.user);
  return {
    token: String(row.token),
    path: String(row.path),
    root: String(row.root),
    deep: row.deep === 1,
    shared: row.shared === 1,
    owner: String(row.owner),
    user: user === "" ? null : user.slice(1),
    expires: Number(row.expires),
  };
}
