/** Which content a file has, as its metadata tell it. */

/** A file changed so short a time ago could change again without its times showing it. */
const SETTLED_MS = 2000;

/** The same for as long as a file is the same and has not been changed. */
export function versionKey({ dev, ino, size, mtime, ctime }: Deno.FileInfo): string {
  return `${dev} ${ino} ${size} ${mtime?.getTime()} ${ctime?.getTime()}`;
}

/**
 * Whether what was read of the file from the moment `began` on (ms since 1970) may be remembered under its `versionKey`.
 * One without times, or from the future, tells nothing.
 */
export function isSettled({ mtime, ctime }: Deno.FileInfo, began: number): boolean {
  return began - Math.max(mtime?.getTime() ?? Infinity, ctime?.getTime() ?? Infinity) >= SETTLED_MS;
}
