/** The URLs of a command line as jobs. */
import type { Glob } from "./glob.ts";
import type { Job } from "./job.ts";

/** The URLs that were given, each of which may stand for several. */
export class UrlJobs {
  /** `globs` has null for a URL that is taken as it is. */
  constructor(readonly targets: readonly string[], readonly globs: readonly (Glob | null)[]) {}

  /** Throws `usage` for a glob that cannot be read. */
  static async read(targets: readonly string[], options: { glob: boolean }): Promise<UrlJobs> {
    const isGlob = (target: string) => options.glob && /[[{\]}]/.test(target);
    if (!targets.some(isGlob)) return new UrlJobs(targets, targets.map(() => null));
    const { parseGlob } = await import("./glob.ts");
    return new UrlJobs(targets, targets.map((target) => isGlob(target) ? parseGlob(target) : null));
  }

  /** How many URLs each of those given stands for. */
  get counts(): number[] {
    return this.globs.map((glob) => glob?.count ?? 1);
  }

  *[Symbol.iterator](): Generator<Job> {
    for (const [slot, glob] of this.globs.entries()) {
      if (glob === null) yield { target: this.targets[slot], slot };
      else for (const url of glob.expand()) yield { ...url, slot };
    }
  }
}
