/** Small files on their way from the connections to the disk: many together, in one piece of memory. */
import type { PackedError } from "../../core/packed_error.ts";

/** Files to be written, each whole. The memory is the writer's until it gives it back. */
export interface FileBatch {
  buffer: ArrayBuffer;
  /** Where each one's content begins in `buffer`, and how long it is. */
  offsets: Uint32Array;
  lengths: Uint32Array;
  paths: string[];
  /** The time each one gets, in ms; NaN for the present. Undefined when none gets one. */
  mtimes?: Float64Array;
  /** Whether their SHA-256 is wanted. */
  digests: boolean;
}

/** What became of a batch. */
export interface BatchResult {
  buffer: ArrayBuffer;
  /** Those that could not be written; null as the error of those that are no ordinary files. */
  faults: { index: number; error: PackedError | null }[];
  /** Lower-case hex, one for each file; where they were wanted. */
  digests?: string[];
}

/** Writes files. Each appears under its name when it is whole, and on the disk where there is one. */
export interface FileWriter {
  write(batch: FileBatch): Promise<BatchResult>;
  /** When what was given is done. */
  close(): Promise<void>;
}
