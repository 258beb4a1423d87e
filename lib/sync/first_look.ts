/**
 * The first look of a run at its two sides: whether there is anything to do, asked before all that only a run with
 * work needs, and else what is known of the sides without two whole trees.
 */
import type { Tree } from "../core/entry.ts";
import { FerryError } from "../core/errors.ts";
import { thisProcess } from "../store/holder.ts";
import type { Store } from "../store/store.ts";
import { checkApart, checkPresent } from "./guard.ts";
import { onlyIn } from "./near_tree.ts";
import { compareHeads, type Comparison } from "./same_tree.ts";

/** What a run is about, as far as it matters here. */
export interface LookOptions {
  checksum?: boolean;
  patterns?: readonly string[];
  skipLinks?: boolean;
  delete?: boolean;
  dryRun?: boolean;
  force?: boolean;
}

export class FirstLook {
  readonly #sides: { source: Store; destination: Store };
  readonly #options: LookOptions;
  /** What was found; null before a look, and where there is nothing to be found. */
  found: Comparison | null = null;

  constructor(sides: { source: Store; destination: Store }, options: LookOptions) {
    this.#sides = sides;
    this.#options = options;
  }

  /** Whether both sides are known to hold the same, by one call to each server, and no lock on one. */
  async isIdle(): Promise<boolean> {
    if (this.#isComparable() && await this.#areMet()) {
      this.found = await compareHeads(this.#sides, this.#options).catch(unknownIfRefused);
    }
    if (this.found?.kind !== "same") return false;
    if (this.found.oneShare && !this.#options.force) {
      await checkApart(this.#sides.source, this.#sides.destination);
    }
    return true;
  }

  /** What is known of both sides, which are there. */
  async compare(): Promise<Comparison | null> {
    if (this.#isComparable()) this.found ??= await compareHeads(this.#sides, this.#options);
    return this.found;
  }

  /** A tree of `store` that was read for the look. */
  scannedOf(store: Store): Tree | undefined {
    const { found } = this;
    return found?.kind === "unknown" && found.scanned?.store === store ? found.scanned.tree : undefined;
  }

  /** Remembers what was learned, once both sides are what the run makes them; its trees, where it read both. */
  remember(trees?: { source: Tree; destination: Tree }): void {
    if (this.found?.learned === undefined) return;
    if (trees === undefined) return this.found.learned();
    this.found.learned(this.#options.delete ? [] : onlyIn(trees.destination, trees.source));
  }

  /** Whether heads tell what this run is about: all of a tree, by sizes and times. */
  #isComparable(): boolean {
    const { checksum, patterns = [], skipLinks } = this.#options;
    return !checksum && patterns.length === 0 && !skipLinks;
  }

  /**
   * Whether the guards may come after the look: two servers say themselves whether they are one, and a folder here has
   * passed them in a former run with this server. A destination here is locked then, so that it stays as it was seen.
   */
  async #areMet(): Promise<boolean> {
    const { source, destination } = this.#sides;
    if (source.remote === destination.remote) return source.remote;
    const [local, server] = source.remote ? [destination, source] : [source, destination];
    if (await local.kind() !== "dir" || !local.former?.(server.label)?.memory.version) return false;
    if (!this.#options.force) await checkPresent([local]);
    if (local === destination && !this.#options.dryRun) await destination.lock(thisProcess(source.label));
    return true;
  }
}

/** What a server refuses here, the calls that come next will meet, or can do without. */
function unknownIfRefused(error: unknown): Comparison {
  const refused = error instanceof FerryError &&
    ["unauthorized", "forbidden", "conflict"].includes(error.code);
  if (!refused) throw error;
  return { kind: "unknown" };
}
