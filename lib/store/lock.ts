/**
 * The lock on a folder that is written to: one run at a time. It is a lock of the operating system, taken by SQLite on
 * an empty file, so it ends with the process that holds it, however that ends; Deno has locks of its own that do not
 * wait only since 2.9. Beside it stands who holds it, for the one who has to go away.
 */
import { DatabaseSync } from "node:sqlite";
import { FerryError, osCode, quote, writeError } from "../core/errors.ts";
import { RESERVED_NAME } from "../core/paths.ts";
import { parseObject } from "../wire/fields.ts";
import { describeHolder, type Holder, parseHolder } from "../wire/session.ts";
import { isRunning } from "./proc.ts";
import { isThere, removeQuietly } from "./quiet.ts";

/** Another one may hold it for a moment, only to find out whether somebody does. */
const WAIT_MS = 20;

/** Who holds it stands there a moment after the lock itself. */
const HOLDER_TRIES = 5;
const HOLDER_WAIT_MS = 20;

/** SQLite takes no longer ones. */
const MAX_PATH_BYTES = 500;

/** A locked folder. */
export class FolderLock {
  readonly #db: DatabaseSync;
  #held = true;

  constructor(readonly root: string, db: DatabaseSync) {
    this.#db = db;
  }

  /** Lets others in, and removes what it left in `.ferry/`, and that when nothing else is there. */
  release(): void {
    if (!this.#held) return;
    this.#held = false;
    removeQuietly(holderPath(this.root));
    removeQuietly(lockPath(this.root));
    this.#db.close();
    removeQuietly(stateDir(this.root));
  }
}

/**
 * Locks the folder `root`, a real path, for `holder`. Throws `locked`, naming who holds it or a folder around it, and
 * `write_failed` where nothing can be written or locked.
 */
export async function lockFolder(root: string, holder: Holder): Promise<FolderLock> {
  await checkAbove(root);
  const lock = acquire(root);
  if (lock === null) throw await LockedError.of(root);
  try {
    // A run into a folder around this one that has begun meanwhile looks for this lock, or has looked already.
    await checkAbove(root);
    Deno.writeTextFileSync(holderPath(root), JSON.stringify(holder));
  } catch (error) {
    lock.release();
    throw writeError(error, root);
  }
  return lock;
}

/** Throws `locked` when a folder around `root` is. */
async function checkAbove(root: string): Promise<void> {
  if (root !== "/") await checkUnlocked(root.slice(0, root.lastIndexOf("/")));
}

/** Throws `locked` when `folder` or one around it, up to and without `root`, is locked. */
export async function checkUnlocked(folder: string, root?: string): Promise<void> {
  for (let at = folder; at !== root; at = at.slice(0, at.lastIndexOf("/"))) {
    if (isLocked(at)) throw await LockedError.of(at);
    if (at === "") return;
  }
}

/** Somebody else is writing to a folder. */
export class LockedError extends FerryError {
  constructor(folder: string, readonly holder: Holder | null) {
    const who = holder === null ? "somebody who does not say who it is" : `a run ${describeHolder(holder)}`;
    super("locked", `${folder} is being written to by ${who}; wait for its end`);
  }

  static async of(root: string): Promise<LockedError> {
    return new LockedError(root === "" ? "/" : quote(root), await readHolder(root));
  }
}

/** The lock, or null when somebody has it. */
function acquire(root: string): FolderLock | null {
  const path = lockPath(root);
  if (new TextEncoder().encode(path).length > MAX_PATH_BYTES) {
    throw new FerryError(
      "write_failed",
      `cannot lock ${quote(root)}: its path is longer than SQLite takes; use a shorter one`,
    );
  }
  for (;;) {
    const before = fileId(path) ?? makeFile(root, path);
    const db = tryLock(root, path);
    if (db === null) return null;
    if (db === undefined) continue;
    // The one that held it may have removed the file after it was opened here: that lock would keep nobody away.
    if (before !== undefined && fileId(path) === before) return new FolderLock(root, db);
    db.close();
  }
}

/** Makes the lock's file and gives its identity; undefined when somebody else was quicker. */
function makeFile(root: string, path: string): string | undefined {
  try {
    if (!isThere(stateDir(root))) Deno.mkdirSync(stateDir(root), { mode: 0o700 });
    Deno.openSync(path, { write: true, createNew: true, mode: 0o600 }).close();
  } catch (error) {
    // The folder may be removed again in between, too.
    if (error instanceof Deno.errors.AlreadyExists) return undefined;
    if (error instanceof Deno.errors.NotFound && isThere(root)) return undefined;
    throw writeError(error, root);
  }
  return fileId(path);
}

/** An open database that holds the lock; null when somebody else does, undefined when its file was just removed. */
function tryLock(root: string, path: string): DatabaseSync | null | undefined {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path);
    // Nothing is ever written: without a journal there is one file less.
    db.exec(`PRAGMA busy_timeout = ${WAIT_MS}; PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE`);
    return db;
  } catch (error) {
    db?.close();
    const { message } = error as Error;
    if (/is locked/.test(message)) return null;
    if (!isThere(root)) throw new FerryError("write_failed", `cannot lock ${quote(root)}: it is gone`);
    if (!isThere(path)) return undefined;
    throw new FerryError("write_failed", `cannot lock ${quote(root)}: ${message}`, { cause: error });
  }
}

/** Whether somebody holds the lock of `root`. */
function isLocked(root: string): boolean {
  const path = lockPath(root);
  if (!isThere(path)) return false;
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { readOnly: true });
    db.exec(`PRAGMA busy_timeout = ${WAIT_MS}; SELECT 1 FROM sqlite_master`);
    return false;
  } catch (error) {
    // What cannot be looked at is not in the way.
    return /is locked/.test((error as Error).message);
  } finally {
    db?.close();
  }
}

async function readHolder(root: string): Promise<Holder | null> {
  for (let attempt = 0; attempt < HOLDER_TRIES; attempt++) {
    try {
      const holder = parseHolder(parseObject(Deno.readFileSync(holderPath(root))));
      if (holder.host !== Deno.hostname() || isRunning(holder.pid) !== false) {
        return holder;
      }
      // Left by one that was killed: the new one is just about to write its own.
    } catch {
      // Not there yet.
    }
    await new Promise((resolve) => setTimeout(resolve, HOLDER_WAIT_MS));
  }
  return null;
}

function stateDir(root: string): string {
  return `${root === "/" ? "" : root}/${RESERVED_NAME}`;
}

function lockPath(root: string): string {
  return `${stateDir(root)}/lock`;
}

function holderPath(root: string): string {
  return `${stateDir(root)}/lock.json`;
}

/** What tells this file from any other, also from a later one with the same inode; undefined for none. */
function fileId(path: string): string | undefined {
  try {
    const { dev, ino, birthtime } = Deno.lstatSync(path);
    return `${dev} ${ino} ${birthtime?.getTime()}`;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || osCode(error) === "ENOTDIR") return undefined;
    throw error;
  }
}
