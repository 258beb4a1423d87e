/** What lies in a trash, run by run: `<time>/`, and beside it `<time>.size`, so that nobody has to look through it. */
import * as fs from "node:fs";
import { RESERVED_NAME } from "../../core/paths.ts";

const KEEP_MS = 7 * 24 * 60 * 60 * 1000;

/** All that is kept takes at most this part of the free space: a tenth. */
export const SHARE = 10;

/** What an entry counts besides its content. */
export const ENTRY_BYTES = 1024;

const NAME = /^(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d\.\d{3})Z(-\d+)?$/;

/** What one run has put into the trash. */
export interface Time {
  path: string;
  /** When, in ms since 1970. */
  at: number;
  bytes: number;
  remove(): void;
}

/** The folder of the trash of a destination. */
export function trashOf(root: string): string {
  return `${root === "/" ? "" : root}/${RESERVED_NAME}/trash`;
}

/** The name of the folder for what a run keeps that began to do so at `now`; `attempt` tells those of one moment apart. */
export function timeName(now: number, attempt = 0): string {
  const name = new Date(now).toISOString().replaceAll(":", "-");
  return attempt === 0 ? name : `${name}-${attempt}`;
}

/** When the folder `name` was begun; null for one that is no part of a trash. */
export function parseTimeName(name: string): number | null {
  const match = NAME.exec(name);
  if (match === null) return null;
  const at = Date.parse(`${match[1]}T${match[2]}:${match[3]}:${match[4]}Z`);
  return Number.isNaN(at) ? null : at;
}

/** What lies in the trash `dir`, the oldest first, without `except`. Never throws. */
export function listTimes(dir: string, except?: string): Time[] {
  const times: Time[] = [];
  try {
    for (const { name, isDirectory } of Deno.readDirSync(dir)) {
      const at = parseTimeName(name);
      const path = `${dir}/${name}`;
      if (at === null || !isDirectory || path === except) continue;
      times.push({ path, at, bytes: sizeOf(path), remove: () => removeTime(path) });
    }
  } catch {
    // There is no trash.
  }
  return times.sort((a, b) => a.at - b.at || (a.path < b.path ? -1 : 1));
}

/** Removes from the trash `dir` what is older than seven days, or more than a tenth of the free space. Never throws. */
export function pruneTrash(dir: string, now = Date.now()): void {
  const times = listTimes(dir);
  if (times.length === 0) return removeEmpty(dir);
  let bytes = times.reduce((sum, time) => sum + time.bytes, 0);
  const most = freeSpace(dir) / SHARE;
  for (const time of times) {
    if (now - time.at <= KEEP_MS && bytes <= most) continue;
    time.remove();
    bytes -= time.bytes;
  }
  removeEmpty(dir);
}

/** Notes what lies in the folder `path` of a trash. Never throws. */
export function writeSize(path: string, bytes: number): void {
  try {
    Deno.writeTextFileSync(`${path}.size`, `${bytes}\n`, { mode: 0o600 });
  } catch {
    // It is added up when it is asked for.
  }
}

/** Bytes that the user of this process may still write to the file system of the first of `paths` that is there. */
export function freeSpace(...paths: string[]): number {
  for (const path of paths) {
    try {
      const { bavail, bsize } = fs.statfsSync(path);
      return bavail * bsize;
    } catch {
      // Not there yet.
    }
  }
  return 0;
}

/** Bytes in the folder `path`, as its run noted, or for one that was killed, added up. */
function sizeOf(path: string): number {
  try {
    const text = Deno.readTextFileSync(`${path}.size`).trim();
    if (/^\d{1,15}$/.test(text)) return Number(text);
  } catch {
    // The run did not come to its end.
  }
  const bytes = addUp(path);
  writeSize(path, bytes);
  return bytes;
}

function addUp(path: string): number {
  let bytes = 0;
  try {
    for (const { name, isDirectory } of Deno.readDirSync(path)) {
      const inner = `${path}/${name}`;
      bytes += ENTRY_BYTES + (isDirectory ? addUp(inner) : Deno.lstatSync(inner).size);
    }
  } catch {
    // What cannot be looked at cannot be counted.
  }
  return bytes;
}

function removeTime(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch {
    try {
      open(path);
      Deno.removeSync(path, { recursive: true });
    } catch {
      // Another run may be at it.
    }
  }
  try {
    Deno.removeSync(`${path}.size`);
  } catch {
    // It was not written.
  }
}

/** Makes the folders below `path` ones that their owner may empty. */
function open(path: string): void {
  Deno.chmodSync(path, 0o700);
  for (const { name, isDirectory } of Deno.readDirSync(path)) if (isDirectory) open(`${path}/${name}`);
}

function removeEmpty(dir: string): void {
  try {
    Deno.removeSync(dir);
    const state = dir.slice(0, dir.lastIndexOf("/"));
    if (state.endsWith(`/${RESERVED_NAME}`)) Deno.removeSync(state);
  } catch {
    // Not there, or not empty.
  }
}
