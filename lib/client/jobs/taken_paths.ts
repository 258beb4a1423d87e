/** The files of one call, so that none replaces another one: those that are there, and those under way. */
export class TakenPaths {
  readonly #written = new Set<string>();
  readonly #claimed = new Set<string>();

  /** Takes `path` for one URL; false when another one has it. */
  take(path: string): boolean {
    if (this.#written.has(path) || this.#claimed.has(path)) return false;
    this.#claimed.add(path);
    return true;
  }

  /** It is there, for good. */
  keep(path: string): void {
    this.#claimed.delete(path);
    this.#written.add(path);
  }

  /** It was not written after all. */
  free(path: string): void {
    this.#claimed.delete(path);
  }
}
