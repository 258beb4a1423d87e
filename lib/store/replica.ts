/**
 * What tells a folder that was written to by a sync from an empty mount point: a mark in the folder, `.ferry/replica`,
 * and outside of it, in the state folder of this machine, the memory that there was one.
 */
import * as crypto from "node:crypto";
import { RESERVED_NAME } from "../core/paths.ts";
import { isId } from "../wire/head.ts";
import { bootId } from "./boot.ts";
import { type FileSystem, fileSystemOf, sameFileSystem } from "./file_system.ts";
import { innerPath } from "./root.ts";

/** Places that are remembered; then the one that was seen longest ago is forgotten. */
const MAX_PLACES = 1000;

interface Memory extends FolderId {
  place: string;
  replica: string;
}

/** What tells a folder from one that takes its place later. */
interface FolderId {
  system: FileSystem;
  ino: number;
  /** When it was made, in ms; null where that is not known. Numbers are used again. */
  born: number | null;
}

/** The id in the mark of the folder `root`; null when there is none, empty when it cannot be read. */
export function replicaOf(root: string): string | null {
  try {
    const { replica } = JSON.parse(Deno.readTextFileSync(markOf(root)));
    return isId(replica) ? replica : "";
  } catch (error) {
    return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory ? null : "";
  }
}

/**
 * What tells the marked folder `root` from all others, copies of it too, without telling its id; null for one without a
 * mark.
 */
export function identityOf(root: string): string | null {
  const replica = replicaOf(root);
  if (!replica) return null;
  const { dev, ino } = Deno.lstatSync(markOf(root));
  return crypto.createHash("sha256").update(`${replica} ${dev} ${ino}`).digest("hex").slice(0, 32);
}

/** The marked folders that `root` is or lies in, the nearest first, and its path in each. */
export function placesOf(root: string): { share: string; path: string }[] {
  const places: { share: string; path: string }[] = [];
  for (let dir = root;; dir = dir.slice(0, dir.lastIndexOf("/"))) {
    const share = identityOf(dir === "" ? "/" : dir);
    if (share !== null) places.push({ share, path: innerPath(dir === "" ? "/" : dir, root) });
    if (dir === "" || dir === "/") return places;
  }
}

/**
 * Whether the folder `root`, a real path or the one that it would have, bore a mark and does so no more: because its
 * disk is not there, or because the mark alone was removed. What was emptied, removed, or replaced by another folder on
 * the same file system has not vanished. `home` is the state folder of this machine; without it nothing is known.
 */
export function hasVanished(root: string, home: string | undefined): boolean {
  if (home === undefined) return false;
  const replica = replicaOf(root);
  const memory = recall(root, home);
  if (replica !== null) {
    if (replica !== "" && !isAsRemembered(root, replica, memory)) remember(root, home, replica);
    return false;
  }
  if (memory === null) return false;
  const there = folderId(root);
  if (there !== null) {
    return !sameFileSystem(memory.system, there.system) || isMarkRemoved(root, memory, there);
  }
  for (let dir = root; dir !== "";) {
    dir = dir.slice(0, dir.lastIndexOf("/"));
    const above = folderId(dir === "" ? "/" : dir);
    if (above !== null) return !sameFileSystem(memory.system, above.system);
  }
  return false;
}

/** Whether it is the very folder that bore the mark, with all that is in it but the mark. */
function isMarkRemoved(root: string, before: FolderId, now: FolderId): boolean {
  return before.ino === now.ino && before.born === now.born && !isEmpty(root);
}

/** Whether there is nothing new to remember. */
function isAsRemembered(root: string, replica: string, memory: Memory | null): boolean {
  if (memory?.replica !== replica) return false;
  try {
    const { dev, ino } = Deno.statSync(root);
    // The numbers of devices are given anew when the machine starts.
    return memory.system.dev === dev && memory.system.boot === bootId() && memory.ino === (ino ?? 0);
  } catch {
    return true;
  }
}

/** Marks the folder `root`, a real path, and remembers that. Never throws: what is in the way will say so itself. */
export function markReplica(root: string, home: string | undefined, id?: string): void {
  try {
    let replica = replicaOf(root);
    if (replica === null) {
      replica = id ?? crypto.randomUUID();
      const path = markOf(root);
      Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true, mode: 0o700 });
      const made = new Date().toISOString();
      Deno.writeTextFileSync(`${path}.new`, JSON.stringify({ replica, made }) + "\n", { mode: 0o600 });
      Deno.renameSync(`${path}.new`, path);
    }
    if (home !== undefined && !isAsRemembered(root, replica, recall(root, home))) {
      remember(root, home, replica);
    }
  } catch {
    // Without a mark it is as before.
  }
}

function markOf(root: string): string {
  return `${root === "/" ? "" : root}/${RESERVED_NAME}/replica`;
}

function memoryOf(root: string, home: string): string {
  return `${home}/places/${crypto.createHash("sha256").update(root).digest("hex").slice(0, 24)}.json`;
}

function recall(root: string, home: string): Memory | null {
  try {
    const memory = JSON.parse(Deno.readTextFileSync(memoryOf(root, home)));
    const { place, replica, system, ino, born } = memory;
    const { mount, type, id, dev, boot } = system;
    const sound = place === root && isId(replica) && [ino, type, dev].every((n) => typeof n === "number") &&
      [mount, boot].every((text) => typeof text === "string") &&
      (id === null || typeof id === "string") && (born === null || typeof born === "number");
    return sound ? { place, replica, system: { mount, type, id, dev, boot }, ino, born } : null;
  } catch {
    return null;
  }
}

/** Never throws: a machine without a state folder remembers nothing. */
function remember(root: string, home: string, replica: string): void {
  try {
    const path = memoryOf(root, home);
    const dir = path.slice(0, path.lastIndexOf("/"));
    Deno.mkdirSync(dir, { recursive: true, mode: 0o700 });
    const folder = folderId(root);
    if (folder === null) return;
    const memory: Memory = { place: root, replica, ...folder };
    Deno.writeTextFileSync(`${path}.${Deno.pid}`, JSON.stringify(memory) + "\n", { mode: 0o600 });
    Deno.renameSync(`${path}.${Deno.pid}`, path);
    forgetOldest(dir);
  } catch {
    // It cannot be written.
  }
}

/** Removes from `dir` the files that were written longest ago, beyond the number that is kept. */
export function forgetOldest(dir: string): void {
  const names = [...Deno.readDirSync(dir)].map(({ name }) => name);
  if (names.length <= MAX_PLACES) return;
  const seen = (name: string) => Deno.statSync(`${dir}/${name}`).mtime?.getTime() ?? 0;
  const oldest = names.map((name) => ({ name, at: seen(name) })).sort((a, b) => a.at - b.at);
  for (const { name } of oldest.slice(0, names.length - MAX_PLACES)) Deno.removeSync(`${dir}/${name}`);
}

function folderId(path: string): FolderId | null {
  try {
    const { ino, birthtime } = Deno.statSync(path);
    return { system: fileSystemOf(path), ino: ino ?? 0, born: birthtime?.getTime() ?? null };
  } catch {
    return null;
  }
}

function isEmpty(dir: string): boolean {
  try {
    for (const _ of Deno.readDirSync(dir)) return false;
    return true;
  } catch {
    return false;
  }
}
