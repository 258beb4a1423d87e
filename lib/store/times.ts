/** Sets modification times, with what the runtimes need for those before 1970. */
import * as fs from "node:fs";
import { osCode, osReason } from "../core/errors.ts";
import { OLD_RUNTIME } from "../core/runtime.ts";
import { libc } from "./libc.ts";

/** The modification time (ms) of what `lstat` found at `full`. */
export function mtimeOf(info: Deno.FileInfo, full: string): number {
  const mtime = info.mtime?.getTime() ?? 0;
  // Deno 2.4 gives times before 1970 without their sign.
  return OLD_RUNTIME ? libc()?.statAt(full)?.mtime ?? mtime : mtime;
}

/** Sets the time (ms) of a file or folder; of an open file through its handle. */
export function setTime(target: Deno.FsFile | string, mtime: number): void {
  const set = (ms: number) => {
    const time = new Date(ms);
    if (typeof target === "string") Deno.utimeSync(target, time, time);
    else target.utimeSync(time, time);
  };
  try {
    set(mtime);
  } catch (error) {
    // Deno 2.4 cannot set a part of a second before 1970: the whole second is nearer than no file at all.
    if (mtime >= 0 || mtime % 1000 === 0 || !isInvalid(error)) throw error;
    set(Math.floor(mtime / 1000) * 1000);
  }
}

/** Sets the time (ms) of the symbolic link itself; to the second before 1970, where node's numbers mean "now". */
export function setLinkTime(path: string, mtime: number): void {
  const time = mtime >= 0 ? mtime / 1000 : new Date(Math.floor(mtime / 1000) * 1000);
  fs.lutimesSync(path, time, time);
}

function isInvalid(error: unknown): boolean {
  return osCode(error) === "EINVAL" || osReason(error) === "invalid argument";
}
