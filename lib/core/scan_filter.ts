/** What a scan leaves out: the side of a filter that the stores see. */
import type { Entry } from "./entry.ts";

/** The file whose lines are patterns for the folder that it lies in, and for all below. */
export const FILTER_FILE = ".ferryignore";

/** The largest filter file that is read. */
export const MAX_FILTER_BYTES = 64 * 1024;

/** Decides during a scan, parents before children; what it leaves out is not looked into. */
export interface ScanFilter {
  /**
   * Where given, the scan reads the filter files of the folders: takes the text of the one in `dir` before anything
   * in `dir` is asked about. Answers why it cannot be used, or null; nobody knows then what may be touched there, so
   * that the folder counts as one that cannot be read.
   */
  rules?: (dir: string, text: string) => string | null;

  /** Whether `path` is left out, with all that lies below it; asked once for each path. */
  hides(path: string, entry: Entry): boolean;
}
