import { PathHashes } from "./path_hashes.ts";

/** The files of one call, so that none replaces another one: those that are there, and those under way. */
export class TakenPaths {
  readonly #underWay = new Set<string>();
  readonly #there = new PathHashes();

  /** Takes `path` for one URL; false when another one has it. */
  take(path: string): boolean {
    if (this.#underWay.has(path) || this.#there.has(path)) return false;
    this.#underWay.add(path);
    return true;
  }

  /** It is there, for good. */
  keep(path: string): void {
    this.#underWay.delete(path);
    this.#there.add(path);
  }

  /** It is not under way any more: another one may have it, unless it is there. */
  free(path: string): void {
    this.#underWay.delete(path);
  }
}
