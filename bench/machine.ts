/** What the numbers were measured on. */
import { statfsSync } from "node:fs";
import { formatBytes } from "../lib/cli/units.ts";

/** One line: processor, cores, memory, kernel. */
export function machineLine(): string {
  const model = /^model name\s*:\s*(.*)$/m.exec(readText("/proc/cpuinfo"))?.[1] ?? Deno.build.arch;
  const memory = formatBytes(Deno.systemMemoryInfo().total);
  return `${model.trim()}, ${navigator.hardwareConcurrency} cores, ${memory} memory, ` +
    `${Deno.build.os} ${Deno.osRelease().split("-")[0]}`;
}

/** Bytes free to this user on the filesystem of `dir`; 0 when there is no such folder. */
export function freeSpace(dir: string): number {
  try {
    const { bavail, bsize } = statfsSync(dir);
    return bavail * bsize;
  } catch {
    return 0;
  }
}

const FILESYSTEMS: Readonly<Record<number, string>> = {
  0x01021994: "tmpfs",
  0xef53: "ext4",
  0x9123683e: "btrfs",
  0x58465342: "xfs",
  0x794c7630: "overlayfs",
  0x2fc12fc1: "zfs",
};

/** The kind of filesystem that `dir` lies on. */
export function filesystem(dir: string): string {
  const { type } = statfsSync(dir);
  return FILESYSTEMS[type] ?? `filesystem type 0x${type.toString(16)}`;
}

function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
