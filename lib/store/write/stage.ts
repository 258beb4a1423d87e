/**
 * Staging: a file is written whole under `.ferry/stage/` on the target's own file system and only then renamed into
 * its place, so that a reader sees the old file or the new one and never a part of either.
 */
import * as crypto from "node:crypto";
import { FerryError, isDiskFull, osCode, osReason, quote, writeError } from "../../core/errors.ts";
import { RESERVED_NAME } from "../../core/paths.ts";
import { folderProbe, keepsApart } from "./apart.ts";
import { bootId } from "../boot.ts";
import { libc } from "../libc.ts";

/** Uploads that nobody touched for so long were left by a process that died. */
const STALE_MS = 60 * 60 * 1000;

/** `stage` is for those who hold the folder's lock, `uploads` for single files, which need none. */
export type StageKind = "stage" | "uploads";

export interface StageOptions {
  apart?: boolean;
  owner?: string;
}

/** A folder of files that are not yet in their place; one a run or server. */
export class Stage {
  readonly #root: string;
  readonly #parent: string;
  readonly #dir: string;
  #made = false;
  #count = 0;
  #apart: boolean | undefined;

  /**
   * `root` is the real path of the folder that holds the stage; nothing is made before it is needed. `apart` is what is
   * known of the file system, `owner` tells whose it is where several may stage in one folder.
   */
  constructor(root: string, kind: StageKind = "stage", options: StageOptions = {}) {
    this.#apart = options.apart;
    this.#root = root;
    this.#parent = stageRoot(root, kind);
    this.#dir = `${this.#parent}/${stamp()}${crypto.randomUUID()}${ownerMark(options.owner)}`;
  }

  /** The folder of this stage. */
  get dir(): string {
    return this.#dir;
  }

  /** Whether the file system keeps names apart that differ in case or Unicode form only; looked at once. */
  get apart(): boolean {
    return this.#apart ??= this.#probe();
  }

  #probe(): boolean {
    const dir = this.newPath();
    try {
      Deno.mkdirSync(dir);
      return keepsApart(folderProbe(dir));
    } catch {
      return false;
    } finally {
      this.discard(dir);
    }
  }

  /** A new path in the stage. Makes the stage's folder at the first call. Throws `write_failed` or `disk_full`. */
  newPath(): string {
    if (!this.#made) {
      try {
        Deno.mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
      } catch (error) {
        throw writeError(error, this.#root);
      }
      this.#made = true;
    }
    return `${this.#dir}/${this.#count++}`;
  }

  /**
   * Moves the staged file into its place. Across file systems (a mount below the root) it is copied there first, and
   * with `sync` also down to that disk.
   */
  place(staged: string, target: string, options: { sync?: boolean } = {}): void {
    try {
      Deno.renameSync(staged, target);
    } catch (error) {
      if (osCode(error) !== "EXDEV") throw error;
      placeAcross(staged, target, options.sync ?? false);
    }
  }

  /** The same for a place that must be free, which is found out and taken in one step. Throws `conflict`. */
  placeNew(staged: string, target: string, options: { sync?: boolean } = {}): void {
    if (libc()?.renameNew(staged, target)) return;
    try {
      Deno.linkSync(staged, target);
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) throw taken();
      // No hard links here, or another file system: a look has to do.
      if (isThere(target)) throw taken();
      return this.place(staged, target, options);
    }
    Deno.removeSync(staged);
  }

  /** Forgets a staged file. */
  discard(staged: string): void {
    try {
      Deno.removeSync(staged, { recursive: true });
    } catch {
      // Already placed or never made.
    }
  }

  /** Leaves what is there to the next run into the same folder. */
  leave(): void {
    this.#made = false;
  }

  /** Removes what is left, and `.ferry/` with it when that is empty. */
  close(): void {
    if (!this.#made) return;
    this.#made = false;
    this.discard(this.#dir);
    removeEmpty(this.#parent);
    removeEmpty(`${this.#root}/${RESERVED_NAME}`);
  }
}

function stageRoot(root: string, kind: StageKind): string {
  return `${root === "/" ? "" : root}/${RESERVED_NAME}/${kind}`;
}

function taken(): FerryError {
  return new FerryError("conflict", "something is there now; left as it is");
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function placeAcross(staged: string, target: string, sync: boolean): void {
  const slash = target.lastIndexOf("/");
  const folder = `${target.slice(0, slash)}/${RESERVED_NAME}`;
  const beside = `${folder}/${crypto.randomUUID()}`;
  Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
  try {
    const info = Deno.statSync(staged);
    Deno.copyFileSync(staged, beside);
    if (info.mtime) Deno.utimeSync(beside, info.atime ?? info.mtime, info.mtime);
    if (sync) syncNow(beside);
    Deno.renameSync(beside, target);
    Deno.removeSync(staged);
  } finally {
    try {
      Deno.removeSync(beside);
    } catch {
      // It was renamed.
    }
    removeEmpty(folder);
  }
}

/** Makes the file `path` durable; for what cannot wait for a group. */
export function syncNow(path: string): void {
  using file = Deno.openSync(path);
  file.syncSync();
}

function removeEmpty(dir: string): void {
  try {
    Deno.removeSync(dir);
  } catch {
    // Not empty, or already gone.
  }
}

/** What the names of the stages begin with that were made since the machine was started. */
function stamp(): string {
  return bootId().replace(/[^0-9a-z]/gi, "").slice(-12) + ".";
}

/** What the names of the stages of `owner` end with. */
function ownerMark(owner: string | undefined): string {
  return owner === undefined
    ? ""
    : "@" + crypto.createHash("sha256").update(owner).digest("hex").slice(0, 32);
}

/** A stage, perhaps of a process that is no more. */
export interface FoundStage {
  dir: string;
  /** All that was written to it is there. */
  trusted: boolean;
}

/** The stages below `root`, which the caller holds the lock of. */
export function deadStages(root: string): FoundStage[] {
  const parent = stageRoot(root, "stage");
  try {
    const entries = [...Deno.readDirSync(parent)].filter((entry) => entry.isDirectory);
    return entries.map(({ name }) => ({ dir: `${parent}/${name}`, trusted: name.startsWith(stamp()) }));
  } catch {
    return [];
  }
}

/** Whether the stage `dir` is that of `owner`. */
export function isStageOf(dir: string, owner: string | undefined): boolean {
  const mark = dir.lastIndexOf("@");
  return (mark > dir.lastIndexOf("/") ? dir.slice(mark) : "") === ownerMark(owner);
}

/** Removes the stages of dead runs below `root`, which the caller holds the lock of; never throws. */
export function removeStages(root: string, keep: (dir: string) => boolean = () => false): void {
  removeFrom(root, "stage", (path) => !keep(path));
}

/** Removes uploads below `root` that no running process can still be at. Never throws. */
export function removeStaleUploads(root: string, now = Date.now()): void {
  removeFrom(root, "uploads", (path) => now - newestMtime(path) > STALE_MS);
}

function removeFrom(root: string, kind: StageKind, stale: (path: string) => boolean): void {
  const dir = stageRoot(root, kind);
  try {
    for (const entry of Deno.readDirSync(dir)) {
      const path = `${dir}/${entry.name}`;
      if (stale(path)) Deno.removeSync(path, { recursive: true });
    }
    removeEmpty(dir);
    removeEmpty(`${root}/${RESERVED_NAME}`);
  } catch {
    // No stage at all, or not ours to remove.
  }
}

function newestMtime(dir: string): number {
  let newest = Deno.lstatSync(dir).mtime?.getTime() ?? 0;
  for (const entry of Deno.readDirSync(dir)) {
    newest = Math.max(newest, Deno.lstatSync(`${dir}/${entry.name}`).mtime?.getTime() ?? 0);
  }
  return newest;
}

/** Does `write`; what it throws comes out as `disk_full` or `write_failed`, which end the run. */
export function writing<T>(path: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    if (error instanceof FerryError) throw error;
    const folder = path.slice(0, path.lastIndexOf("/.ferry/"));
    throw new FerryError(
      isDiskFull(error) ? "disk_full" : "write_failed",
      `cannot write into ${folder}: ${osReason(error)}`,
    );
  }
}

/** Makes the names in folder `path` durable; file systems that cannot do this are left alone. */
export async function syncFolder(path: string): Promise<void> {
  try {
    using dir = await Deno.open(path);
    await dir.sync();
  } catch {
    // Some file systems refuse to open or sync a folder; the rename itself has happened.
  }
}

/** `error` from changing `path` as a FerryError that names it. */
export function changeError(error: unknown, path: string): FerryError {
  if (error instanceof FerryError) return error;
  const code = osCode(error);
  if (code === "ENOTEMPTY" || code === "EISDIR" || code === "ENOTDIR") {
    return new FerryError("conflict", `cannot change ${quote(path)}: ${osReason(error)}`, { cause: error });
  }
  return writeError(error, path);
}
