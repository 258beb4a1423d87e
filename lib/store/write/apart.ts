/** Whether a file system keeps names apart that look alike: `a` and `A`, or the two ways to write `é`. */

/** A name, and what a file system that folds case or normalises would take for it. */
const NAME = "probe-\u00e9";
const LIKE_IT = ["PROBE-\u00e9", "PROBE-\u00c9", "probe-e\u0301"];

/** The calls that a probe needs, on names of an empty folder. */
export interface Probe {
  make(name: string): void;
  /** Whether something is there under this name. */
  has(name: string): boolean;
}

/** Whether `probe` shows a file under its own name only. What cannot be probed is taken for one that does not. */
export function keepsApart(probe: Probe): boolean {
  try {
    probe.make(NAME);
    return probe.has(NAME) && !LIKE_IT.some((name) => probe.has(name));
  } catch {
    return false;
  }
}

/** The calls of a real folder. */
export function folderProbe(dir: string): Probe {
  return {
    make: (name) => Deno.openSync(`${dir}/${name}`, { write: true, createNew: true }).close(),
    has: (name) => {
      try {
        Deno.lstatSync(`${dir}/${name}`);
        return true;
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return false;
        throw error;
      }
    },
  };
}
