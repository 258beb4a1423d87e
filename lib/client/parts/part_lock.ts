/** Files that one process at a time writes to, and nobody but this user. */
import { FerryError, quote, writeError } from "../../core/errors.ts";
import { isFlocked } from "./kernel_locks.ts";

/** How often something else may take the place of a file while it is opened. */
const TRIES = 10;

/** Opens a part for this process alone; a new one gets `mode`, less what the umask takes. */
export function openLocked(path: string, mode?: number): Deno.FsFile {
  for (let tries = 0; tries < TRIES; tries++) {
    const there = lstatOrNull(path);
    // Of another user, who may be at work on it.
    if (there?.isFile && !isOwn(there, path) && isLocked(there)) throw inUse(path);
    const file = locked(openOwn(path, mode), path, there !== null);
    // Whoever held the lock before may have renamed the file away under us.
    if (isAt(file, path)) return file;
    file.close();
  }
  throw replaced(path);
}

/**
 * Opens the file at `path` for reading and writing. Nothing is written through a link, into a pipe, or to what others
 * can change: in place of such a thing, or of nothing, there is a new file then.
 */
export function openOwn(path: string, mode?: number): Deno.FsFile {
  for (let tries = 0; tries < TRIES; tries++) {
    const there = lstatOrNull(path);
    const isNew = there === null || (!there.isDirectory && !isOwn(there, path));
    if (isNew && there !== null) Deno.removeSync(path);
    let file: Deno.FsFile;
    try {
      file = Deno.openSync(path, { read: true, write: true, createNew: isNew, mode });
    } catch (error) {
      const { AlreadyExists, NotFound } = Deno.errors;
      if (isNew ? error instanceof AlreadyExists : error instanceof NotFound) continue;
      // What is there is what cannot be written, rather than what it is a part of.
      throw isNew ? error : writeError(error, path);
    }
    if (isNew || (isAt(file, path) && isOwn(file.statSync(), path))) return file;
    file.close();
  }
  throw replaced(path);
}

/**
 * Whether `info`, of what lies at `path`, is that of a file that only this user can have written, and that has no other
 * name under which its content is somebody's. The owner of its folder could put anything into its place anyway.
 */
export function isOwn({ isFile, nlink, uid }: Deno.FileInfo, path: string): boolean {
  if (!isFile || (nlink !== null && nlink > 1)) return false;
  return uid === null || uid === Deno.uid() || uid === ownerOf(folderOf(path));
}

function folderOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash === -1 ? "." : path.slice(0, slash) || "/";
}

function ownerOf(path: string): number | null {
  try {
    return Deno.statSync(path).uid;
  } catch {
    return null;
  }
}

/** Whether `file` is still what `path` names. */
export function isAt(file: Deno.FsFile, path: string): boolean {
  const there = lstatOrNull(path);
  return there !== null && there.isFile && there.ino === file.statSync().ino;
}

/** `file`, which is at `path`, with the lock on it; throws `write_failed` when another process has that. */
export function locked(file: Deno.FsFile, path: string, wasThere = false): Deno.FsFile {
  if (tryLock(file, wasThere)) return file;
  file.close();
  throw inUse(path);
}

function inUse(path: string): FerryError {
  return new FerryError("write_failed", `cannot write ${quote(path)}: another ferry is downloading to it`);
}

function replaced(path: string): FerryError {
  return new FerryError("write_failed", `cannot write ${quote(path)}: it keeps being replaced`);
}

/** Locks `file`, unless somebody else holds its lock. Deno before 2.9 can only wait for a lock, so Linux is asked first. */
function tryLock(file: Deno.FsFile, wasThere: boolean): boolean {
  const lockable = file as Deno.FsFile & { tryLockSync?(exclusive: boolean): boolean };
  if (lockable.tryLockSync !== undefined) return lockable.tryLockSync(true);
  if (wasThere && isLocked(file.statSync())) return false;
  file.lockSync(true);
  return true;
}

/** Whether Linux knows of a lock on the file of `info`. */
function isLocked({ dev, ino }: Deno.FileInfo): boolean {
  if (ino === null) return false;
  try {
    const [locks, mounts] = ["/proc/locks", "/proc/self/mountinfo"].map((path) =>
      Deno.readTextFileSync(path)
    );
    return isFlocked({ dev, ino }, locks, mounts);
  } catch {
    return false;
  }
}

/** What lies at `path` itself; null where that cannot be told. */
export function lstatOrNull(path: string): Deno.FileInfo | null {
  try {
    return Deno.lstatSync(path);
  } catch {
    return null;
  }
}
