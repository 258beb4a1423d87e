/** What `--bwlimit` and `--parallel` mean for a run. */
import { Pace } from "../client/pace.ts";
import type { Paces } from "../client/fetch/watch.ts";
import { FerryError } from "../core/errors.ts";
import { DEFAULT_PARALLEL } from "./run.ts";

/** Below this rate fewer transfers go on at a time: what lies in the buffers of each runs ahead of the rate. */
const SLOW_RATE = 4 * 1024 * 1024;
const SLOW_PARALLEL = 2;

export interface Limits {
  parallel: number;
  /** For servers: what comes and what goes, each at the full rate. */
  paces: Paces;
  /** For contents between two folders of this machine. */
  pace?: Pace;
}

/** The limits of a new run. Throws `usage` for a rate at which nothing would ever end. */
export function makeLimits(flags: { bwlimit?: number; parallel?: number; local: boolean }): Limits {
  const { bwlimit: rate, parallel, local } = flags;
  if (rate === undefined) return { parallel: parallel ?? DEFAULT_PARALLEL, paces: {} };
  if (rate === 0) throw new FerryError("usage", "--bwlimit 0: would never end; for no limit leave it out");
  return {
    parallel: parallel ?? (rate < SLOW_RATE ? SLOW_PARALLEL : DEFAULT_PARALLEL),
    ...(local
      ? { paces: {}, pace: new Pace(rate) }
      : { paces: { received: new Pace(rate), sent: new Pace(rate) } }),
  };
}
