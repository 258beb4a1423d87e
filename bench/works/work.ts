/** What a work is: the same thing done by each program in turn. */
import type { Peer } from "../peers/peer.ts";
import type { TreeSize } from "../tree.ts";

export type Unit = "s" | "requests/s" | "MB/s" | "ms" | "MB" | "KB";

/** A filesystem that results are written to. */
export interface Target {
  kind: "tmpfs" | "disk";
  dir: string;
}

/** What every work finds ready. */
export interface Bench {
  /** The installed ones, Ferry first. */
  peers: readonly Peer[];
  /** The tree that is pulled and pushed. */
  corpus: { dir: string; size: TreeSize };
  /** A folder that holds `small` (1 KB), `small10` (10 KB) and `large`. */
  files: { dir: string; largeBytes: number };
  /** wrk is installed. */
  wrk: boolean;
  /** A hurried run: seconds instead of minutes. */
  smoke: boolean;
  /** A new empty folder of configuration and state, gone at the end. */
  scratch(): string;
  /** Progress, on stderr. */
  say(text: string): void;
}

export interface Sample {
  /** In the unit of the work. */
  value: number;
  /** Peak memory so far, bytes. */
  serverPeak?: number;
  clientPeak?: number;
}

/** One program at one work, ready to run. */
export interface Contestant {
  name: string;
  /** At most so many rounds. */
  rounds?: number;
  run(): Promise<Sample>;
  /** After the last round; throws when something is wrong after all. */
  finish?(): Promise<void>;
}

/** What is to be reached, against the median of another program, or without one in the unit of the work, or for peak memory. */
export interface Goal {
  /** The variant of Ferry that it is about; `ferry` unless told. */
  of?: string;
  /** It is about a disk rather than memory. */
  disk?: boolean;
  against?: string;
  most?: number;
  least?: number;
  /** Bytes, for each side. */
  memory?: number;
}

export interface Work {
  name: string;
  /** What is done, one line. */
  about: string;
  unit: Unit;
  /** Whether it writes to the target, and is therefore done on each. */
  writes: boolean;
  /** The programs that Ferry is held against, by name. */
  against: readonly string[];
  goal?: Goal | readonly Goal[];
  /**
   * Starts what is needed; `stack` ends it. Throws Skipped when a needed tool is not installed; a program that cannot
   * start is given as a contestant that fails.
   */
  prepare(bench: Bench, target: Target, stack: AsyncDisposableStack): Promise<Contestant[]>;
}

/** This machine lacks what a work needs. */
export class Skipped extends Error {
  override name = "Skipped";
}
