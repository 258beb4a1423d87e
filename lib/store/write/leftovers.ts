/**
 * What a run that broke off, or was killed, had built of a first copy and not put in its place: trees of whole files with
 * their times, which serve the next run in place of the source. The one who looks holds the folder's lock.
 */
import * as crypto from "node:crypto";
import type { FileEntry } from "../../core/entry.ts";
import { removeQuietly } from "../quiet.ts";
import { StrictPaths } from "../root.ts";
import { deadStages, isStageOf, removeStages } from "./stage.ts";

/** What nobody came back for in so long is given up. */
const KEPT_MS = 7 * 24 * 60 * 60 * 1000;

export interface LeftoversOptions {
  /** Whose they are; others get nothing of them, since they may not be allowed to read it. */
  owner?: string;
  /** Stages that somebody works with. */
  inUse?: (dir: string) => boolean;
}

/** What dead runs left in the stage of one folder. */
export class Leftovers {
  readonly #root: string;
  readonly #stages = new Set<string>();
  readonly #trees: StrictPaths[] = [];

  /** `root`, a real path, holds the stages. Those that can serve nobody are removed. */
  constructor(root: string, { owner, inUse = () => false }: LeftoversOptions = {}) {
    this.#root = root;
    const kept = new Set<string>();
    for (const { dir, trusted } of deadStages(root)) {
      const trees = trusted && !inUse(dir) && isRecent(dir) ? foldersIn(dir) : [];
      if (trees.length === 0) continue;
      kept.add(dir);
      if (!isStageOf(dir, owner)) continue;
      this.#stages.add(dir);
      this.#trees.push(...trees.map((tree) => new StrictPaths(tree)));
    }
    removeStages(root, (dir) => kept.has(dir) || inUse(dir));
  }

  /** Whether there are any. */
  get empty(): boolean {
    return this.#trees.length === 0;
  }

  /**
   * Takes the content of the file `path` in the version `entry`, or gives null. One that was being written has no time
   * yet. It is there once: else each run that breaks off would leave all of it anew.
   */
  take(
    path: string,
    { size, mtime, sha256 }: Pick<FileEntry, "size" | "mtime" | "sha256">,
  ): Uint8Array | null {
    for (const tree of this.#trees) {
      try {
        const full = tree.locate(path);
        const info = Deno.lstatSync(full);
        if (!info.isFile || info.size !== size || info.mtime?.getTime() !== mtime) continue;
        const content = Deno.readFileSync(full);
        if (content.length !== size) continue;
        if (sha256 !== undefined && sha256 !== crypto.createHash("sha256").update(content).digest("hex")) {
          continue;
        }
        removeQuietly(full);
        return content;
      } catch {
        // Not there, or nothing that this user may read.
      }
    }
    return null;
  }

  /** Removes them. */
  clear(): void {
    if (this.empty) return;
    this.#trees.length = 0;
    removeStages(this.#root, (dir) => !this.#stages.has(dir));
  }
}

function isRecent(dir: string): boolean {
  return Date.now() - (Deno.statSync(dir).mtime?.getTime() ?? 0) < KEPT_MS;
}

function foldersIn(dir: string): string[] {
  return [...Deno.readDirSync(dir)].filter((entry) => entry.isDirectory).map(({ name }) => `${dir}/${name}`);
}
