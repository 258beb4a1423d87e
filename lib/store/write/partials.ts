/**
 * Large files that have come in part: kept under `.ferry/partial/` by what they are to become, so that a run that
 * breaks off, or is killed, goes on where it was. Whoever writes holds the folder's lock.
 */
import * as crypto from "node:crypto";
import { writeError } from "../../core/errors.ts";
import { RESERVED_NAME } from "../../core/paths.ts";
import { bootId } from "../boot.ts";
import { removeQuietly } from "../quiet.ts";

/** What is smaller comes anew. */
export const RESUME_BYTES = 2 * 1024 * 1024;

/** What nobody came back for in so long is given up, the oldest first beyond so many. */
const KEPT_MS = 7 * 24 * 60 * 60 * 1000;
const KEPT_FILES = 100;

/** A version of a file: only the same one is gone on with. */
export interface FileVersion {
  path: string;
  size: number;
  mtime: number;
}

/** Where the parts of the files of one folder lie. */
export class Partials {
  readonly #shareRoot: string;
  readonly #dir: string;
  readonly #inUse = new Set<string>();

  /** `shareRoot` is the real folder with `.ferry`, `folder` the one below it that the files are for. */
  constructor(shareRoot: string, folder: string) {
    this.#shareRoot = shareRoot;
    this.#dir = `${partialRoot(shareRoot)}/${hash(folder)}`;
  }

  /** Bytes that are there of a file. */
  size(version: FileVersion): number {
    try {
      return Math.min(Deno.lstatSync(this.#path(version)).size, version.size);
    } catch {
      return 0;
    }
  }

  /**
   * The path of the part of a file, for one writer until it is given back; null where another one is at it or the file is too
   * small to be worth it. Throws `write_failed` or `disk_full`.
   */
  take(version: FileVersion): string | null {
    const path = this.#path(version);
    if (version.size < RESUME_BYTES || this.#inUse.has(path)) return null;
    try {
      Deno.mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw writeError(error, this.#shareRoot);
    }
    this.#inUse.add(path);
    return path;
  }

  /** Whether `path` was taken here. */
  has(path: string): boolean {
    return this.#inUse.has(path);
  }

  /** Gives a path back, whatever has become of it. */
  give(path: string): void {
    this.#inUse.delete(path);
  }

  /** How many there are. */
  count(): number {
    return namesIn(this.#dir).length;
  }

  /** Removes all of them: a run that came to its end has no use for any. */
  clear(): void {
    removeQuietly(this.#dir, true);
    this.tidy();
  }

  /** Removes the folders that are empty. */
  tidy(): void {
    removeQuietly(this.#dir);
    removeEmptyParents(this.#shareRoot);
  }

  #path({ path, size, mtime }: FileVersion): string {
    return `${this.#dir}/${hash(JSON.stringify([bootId(), path, size, mtime]))}`;
  }
}

/** Removes what is too old or too much below `shareRoot`. Never throws. */
export function prunePartials(shareRoot: string, now = Date.now()): void {
  const root = partialRoot(shareRoot);
  const found: { path: string; time: number }[] = [];
  for (const dir of namesIn(root)) {
    for (const name of namesIn(`${root}/${dir}`)) {
      const path = `${root}/${dir}/${name}`;
      found.push({ path, time: lastChange(path) });
    }
  }
  found.sort((a, b) => b.time - a.time);
  found.forEach(({ path, time }, index) => {
    if (index >= KEPT_FILES || now - time > KEPT_MS) removeQuietly(path, true);
  });
  for (const dir of namesIn(root)) removeQuietly(`${root}/${dir}`);
  removeEmptyParents(shareRoot);
}

function partialRoot(shareRoot: string): string {
  return `${shareRoot === "/" ? "" : shareRoot}/${RESERVED_NAME}/partial`;
}

function hash(text: string): string {
  return crypto.createHash("sha256").update(text).digest("hex").slice(0, 32);
}

/** When a file was last written to: one that is whole has the time of its source. */
function lastChange(path: string): number {
  const { mtime, ctime } = Deno.lstatSync(path);
  return Math.max(mtime?.getTime() ?? 0, ctime?.getTime() ?? 0);
}

function namesIn(dir: string): string[] {
  try {
    return [...Deno.readDirSync(dir)].map(({ name }) => name);
  } catch {
    return [];
  }
}

function removeEmptyParents(shareRoot: string): void {
  removeQuietly(partialRoot(shareRoot));
  removeQuietly(partialRoot(shareRoot).slice(0, -"/partial".length));
}
