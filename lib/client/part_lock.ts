/** Files that one process at a time writes to. */
import { FerryError, quote } from "../core/errors.ts";

/** Opens a part for this process alone. */
export function openLocked(path: string): Deno.FsFile {
  for (let tries = 0; tries < 10; tries++) {
    const there = lstatOrNull(path);
    // Nothing is written through a link that somebody laid at this place.
    if (there?.isSymlink) Deno.removeSync(path);
    const file = locked(Deno.openSync(path, { read: true, write: true, create: true }), path, there !== null);
    // Whoever held the lock before may have renamed the file away under us.
    if (file.statSync().ino === lstatOrNull(path)?.ino) return file;
    file.close();
  }
  throw new FerryError("write_failed", `cannot write ${quote(path)}: it keeps being replaced`);
}

/** `file`, which is at `path`, with the lock on it; throws `write_failed` when another process has that. */
export function locked(file: Deno.FsFile, path: string, wasThere = false): Deno.FsFile {
  if (tryLock(file, wasThere)) return file;
  file.close();
  throw new FerryError("write_failed", `cannot write ${quote(path)}: another ferry is downloading to it`);
}

/** Locks `file`, unless somebody else holds its lock. Deno before 2.9 can only wait for a lock, so Linux is asked first. */
function tryLock(file: Deno.FsFile, wasThere: boolean): boolean {
  const lockable = file as Deno.FsFile & { tryLockSync?(exclusive: boolean): boolean };
  if (lockable.tryLockSync !== undefined) return lockable.tryLockSync(true);
  if (wasThere && isLocked(file.statSync().ino)) return false;
  file.lockSync(true);
  return true;
}

/** Whether Linux knows of a lock on the inode `ino`; one of that number on another disk counts as well. */
function isLocked(ino: number | null): boolean {
  try {
    return new RegExp(`FLOCK .*:${ino} `).test(Deno.readTextFileSync("/proc/locks"));
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
