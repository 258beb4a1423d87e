/** What filters and `--links skip` hide on the two sides of a run: neither copied, nor changed, nor deleted. Pure. */
import type { Entry, Tree } from "../core/entry.ts";
import { parentPath } from "../core/paths.ts";
import type { ScanFilter } from "../core/scan_filter.ts";
import { Filter } from "./filter.ts";

/** The topmost hidden paths of each side; what lies below them is hidden with them. */
export interface HiddenPaths {
  readonly source: ReadonlySet<string>;
  readonly destination: ReadonlySet<string>;
}

export interface HiddenOptions {
  /** Patterns of the command line, each a good one. */
  patterns?: readonly string[];
  /** Hide symbolic links too. */
  skipLinks?: boolean;
}

/** Hides while both sides are scanned; `settle` what could be known only afterwards. */
export class Hidden implements HiddenPaths {
  readonly source = new Set<string>();
  readonly destination = new Set<string>();
  readonly #filter: Filter;
  readonly #patterns: readonly string[];
  readonly #skipLinks: boolean;

  constructor({ patterns = [], skipLinks = false }: HiddenOptions = {}) {
    this.#patterns = patterns;
    this.#filter = new Filter(patterns);
    this.#skipLinks = skipLinks;
  }

  /** For the scan of the source, whose filter files count. */
  forSource(): ScanFilter {
    return {
      rules: (dir, text) => this.#filter.addFile(dir, text),
      hides: (path, entry) =>
        noted(
          this.source,
          path,
          (this.#skipLinks && entry.kind === "symlink") || this.#filter.hides(path, entry),
        ),
    };
  }

  /** For the scan of the destination, which goes on at the same time: the patterns of the command line. */
  forDestination(): ScanFilter | undefined {
    if (this.#patterns.length === 0) return undefined;
    const filter = new Filter(this.#patterns);
    return { hides: (path, entry) => noted(this.destination, path, filter.hides(path, entry)) };
  }

  /**
   * Takes out of the destination's tree what the source's filter files hide, and with `skipLinks` links that the
   * source has nothing for.
   */
  settle(source: Tree, destination: Tree): void {
    if (!this.#filter.hasFiles && !this.#skipLinks) return;
    const below = new Set<string>();
    for (const [path, entry] of destination) {
      const parent = parentPath(path);
      const inside = this.destination.has(parent) || below.has(parent);
      if (inside) below.add(path);
      else if (this.#filter.hides(path, entry) || this.#looseLink(path, entry, source)) {
        this.destination.add(path);
      } else continue;
      destination.delete(path);
    }
  }

  #looseLink(path: string, entry: Entry, source: Tree): boolean {
    return this.#skipLinks && entry.kind === "symlink" && !source.has(path);
  }
}

function noted(paths: Set<string>, path: string, hidden: boolean): boolean {
  if (hidden) paths.add(path);
  return hidden;
}
