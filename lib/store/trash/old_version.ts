/** What stands at a path until a run deletes or replaces it, and the ways to keep that: a link, a rename, a copy. */
import * as fs from "node:fs";
import { isDiskFull, osCode } from "../../core/errors.ts";
import { libc } from "../libc.ts";
import { isThere, removeQuietly } from "../quiet.ts";
import { makeSymlink } from "../symlink.ts";
import { syncNow } from "../write/stage.ts";

/** What is at a path before it goes. */
export interface OldVersion {
  /** Where it is, absolute. */
  full: string;
  /** What it is called below the destination. */
  path: string;
  /** Bytes. */
  size: number;
}

/** Makes `target` what `old` is, and leaves that there. `sync` waits for the disk if bytes have to be copied. */
export function linkOrCopy(old: OldVersion, target: string, sync: boolean): void {
  try {
    Deno.linkSync(old.full, target);
  } catch (error) {
    if (isTaken(error) || error instanceof Deno.errors.NotFound || isDiskFull(error)) throw error;
    copyOver(old.full, target, sync);
  }
}

/** Makes `target` what `old` is, and takes that away. Throws `AlreadyExists` when something has the name. */
export function renameOrCopy(old: OldVersion, target: string, sync: boolean): void {
  try {
    if (libc()?.renameNew(old.full, target)) return;
    if (isThere(target)) throw new Deno.errors.AlreadyExists();
    Deno.renameSync(old.full, target);
  } catch (error) {
    if (osCode(error) !== "EXDEV") throw error;
    copyOver(old.full, target, sync);
    Deno.removeSync(old.full);
  }
}

/** Whether something is in the way of a name. */
export function isTaken(error: unknown): boolean {
  return error instanceof Deno.errors.AlreadyExists || osCode(error) === "EEXIST" ||
    osCode(error) === "ENOTDIR" || error instanceof Deno.errors.NotADirectory;
}

/** A copy of a file or link with its mode and time; nothing is left of one that fails. */
function copyOver(from: string, to: string, sync: boolean): void {
  const info = Deno.lstatSync(from);
  try {
    if (info.isSymlink) {
      makeSymlink(Deno.readLinkSync(from), to);
    } else {
      fs.copyFileSync(from, to, fs.constants.COPYFILE_EXCL);
      if (info.mtime) Deno.utimeSync(to, info.mtime, info.mtime);
      if (sync) syncNow(to);
      Deno.chmodSync(to, (info.mode ?? 0o600) & 0o777);
    }
  } catch (error) {
    if (!isTaken(error)) removeQuietly(to);
    throw error;
  }
}
