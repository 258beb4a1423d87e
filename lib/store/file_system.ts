/** Which file system a folder is on, told so that it can be known again after a mount or a start of the machine. */
import * as fs from "node:fs";
import { bootId } from "./boot.ts";
import { IN_MEMORY } from "./write/durable.ts";
import { libc } from "./libc.ts";
import { readProc } from "./proc.ts";

export interface FileSystem {
  /** Where it is mounted; empty where that cannot be told. */
  mount: string;
  /** As statfs(2) numbers it; 0 when it does not say. */
  type: number;
  /** What statfs(2) gives as its id: on ext4 and Btrfs made of its UUID; null when there is none. */
  id: string | null;
  /** The number of its device, and the boot that it is of. */
  dev: number;
  boot: string;
}

/** The file system of `path`, a real path of something that is there. Throws what a look at it throws. */
export function fileSystemOf(path: string): FileSystem {
  const { dev } = Deno.statSync(path);
  return {
    mount: mountOf(path, mountPoints()),
    type: typeOf(path),
    id: libc()?.fsid(path) ?? null,
    dev,
    boot: bootId(),
  };
}

/**
 * Whether what is mounted at the place of `now` is what was there as `before`. A disk that is not mounted leaves the
 * folder of another mount; another disk in its place has another id. What was in memory is gone with its mount, so
 * another one of its kind in the same place is as good.
 */
export function sameFileSystem(before: FileSystem, now: FileSystem): boolean {
  if (before.mount !== now.mount || before.type !== now.type) return false;
  if (IN_MEMORY.has(now.type)) return true;
  if (before.id !== null && now.id !== null) return before.id === now.id;
  return before.boot === now.boot && before.dev === now.dev;
}

/** The mount points of the lines of /proc/self/mountinfo (proc(5)), whose blanks are octal escapes. */
export function parseMountPoints(text: string): string[] {
  return text.split("\n").filter((line) => line !== "").map((line) => unescape(line.split(" ")[4] ?? ""));
}

/** The nearest of the mount points `points` that `path` is or lies in; empty for none. */
export function mountOf(path: string, points: readonly string[]): string {
  let nearest = "";
  for (const point of points) {
    const within = point === "/" || path === point || path.startsWith(point + "/");
    if (within && point.length > nearest.length) nearest = point;
  }
  return nearest;
}

function mountPoints(): string[] {
  // Null where it is not Linux.
  return parseMountPoints(readProc("/proc/self/mountinfo") ?? "");
}

/** Bytes come as `\040`; names in UTF-8 stand as they are. */
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(parseInt(octal, 8)));
}

function typeOf(path: string): number {
  try {
    return Number(fs.statfsSync(path).type);
  } catch {
    return 0;
  }
}
