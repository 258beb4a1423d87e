/**
 * What a killed run had built of a first copy and not put in its place: a tree of whole files with their times, which
 * serve the next run in place of the source. The one who looks holds the folder's lock.
 */
import * as crypto from "node:crypto";
import type { FileEntry } from "../../core/entry.ts";
import { StrictPaths } from "../root.ts";
import { deadStages, removeStages } from "./stage.ts";

/** What a killed run has left of a first copy. */
export class Leftovers {
  readonly #root: string;
  readonly #stages = new Set<string>();
  readonly #trees: StrictPaths[] = [];

  /** Those of the folder `root`, a real path; stages that hold none are removed. */
  constructor(root: string) {
    this.#root = root;
    for (const { dir, trusted } of deadStages(root)) {
      const trees = trusted ? foldersIn(dir) : [];
      if (trees.length > 0) this.#stages.add(dir);
      this.#trees.push(...trees.map((tree) => new StrictPaths(tree)));
    }
    removeStages(root, (dir) => this.#stages.has(dir));
  }

  /** Whether there are any. */
  get empty(): boolean {
    return this.#trees.length === 0;
  }

  /** The content of the file `path` in the version `entry`, or null. One that was being written has no time yet. */
  read(path: string, { size, mtime, sha256 }: FileEntry): Uint8Array | null {
    for (const tree of this.#trees) {
      try {
        const full = tree.locate(path);
        const info = Deno.lstatSync(full);
        if (!info.isFile || info.size !== size || info.mtime?.getTime() !== mtime) continue;
        const content = Deno.readFileSync(full);
        if (content.length !== size) continue;
        if (sha256 === undefined || sha256 === crypto.createHash("sha256").update(content).digest("hex")) {
          return content;
        }
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

function foldersIn(dir: string): string[] {
  return [...Deno.readDirSync(dir)].filter((entry) => entry.isDirectory).map(({ name }) => `${dir}/${name}`);
}
