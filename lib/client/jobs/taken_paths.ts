/** The files of one call, so that none replaces another one: those that are there, and those under way. */
export class TakenPaths {
  /** Each with whether it is there. */
  readonly #paths = new Map<string, boolean>();

  /** Takes `path` for one URL; false when another one has it. */
  take(path: string): boolean {
    if (this.#paths.has(path)) return false;
    this.#paths.set(path, false);
    return true;
  }

  /** It is there, for good. */
  keep(path: string): void {
    this.#paths.set(path, true);
  }

  /** It is not under way any more: another one may have it, unless it is there. */
  free(path: string): void {
    if (this.#paths.get(path) === false) this.#paths.delete(path);
  }
}
