/** Puts the folders of a scan together to a tree, less what a filter leaves out. */
import type { Entry, FileEntry, Tree } from "../core/entry.ts";
import { FILTER_FILE, type ScanFilter } from "../core/scan_filter.ts";

export interface TreeBuilderOptions {
  filter?: ScanFilter;
  /** Told of each regular file as it is listed. */
  onFile?: (path: string, entry: FileEntry) => void;
}

/** Takes each folder by `begin` and `add`, a folder after the entry that names it, until `end` of that folder. */
export class TreeBuilder {
  readonly tree: Tree = new Map();
  /** Folders that were named and have not ended: whether they are part of the tree. */
  readonly #open = new Map<string, boolean>([["", true]]);
  readonly #options: TreeBuilderOptions;

  constructor(options: TreeBuilderOptions = {}) {
    this.#options = options;
  }

  /** Folders that were named and have not ended. */
  get waiting(): number {
    return this.#open.size;
  }

  /** Whether folder `dir` is due. */
  awaits(dir: string): boolean {
    return this.#open.has(dir);
  }

  /** Whether what lies in `dir` belongs to the tree; else it need not be read. */
  wants(dir: string): boolean {
    return this.#open.get(dir) === true;
  }

  /** Takes the text of the folder's filter file, before its entries. Gives why it cannot be used, or null. */
  rules(dir: string, text: string): string | null {
    if (!this.wants(dir)) return null;
    const trouble = this.#options.filter?.rules?.(dir, text) ?? null;
    return trouble === null ? null : `${FILTER_FILE}: ${trouble}`;
  }

  /** Whether the filter leaves out what `dir` holds under `path`; the folders among it are due all the same. */
  hides(dir: string, path: string, entry: Entry): boolean {
    if (this.wants(dir) && !this.#options.filter?.hides(path, entry)) return false;
    if (entry.kind === "dir") this.#open.set(path, false);
    return true;
  }

  /** Takes one entry that is not hidden; `key` is what the tree knows it by. */
  add(key: string, entry: Entry): void {
    if (entry.kind === "dir") this.#open.set(key, true);
    this.tree.set(key, entry);
    if (entry.kind === "file") this.#options.onFile?.(key, entry);
  }

  /** What lies in `dir` cannot be known. */
  fail(dir: string, problem: Extract<Entry, { kind: "problem" }>): void {
    if (this.wants(dir)) this.tree.set(dir, problem);
    this.#open.set(dir, false);
  }

  /** No more entries of `dir` will come. */
  end(dir: string): void {
    this.#open.delete(dir);
  }
}
