import type { FerryError } from "../../core/errors.ts";
import type { BodySource } from "../body_source.ts";
import type { Outcome } from "./outcome.ts";
import type { Stream } from "./stream.ts";

/** One URL to be requested, and what is only its own; everything else is that of the call. */
export interface Job {
  /** The URL as it was given. */
  target: string;
  /** The place among the URLs of the command line, which an `--output` may be for. */
  slot?: number;
  /** What the globs of its URL stand for, the first one for `#1` in `--output`. */
  parts?: readonly string[];
  /** Where the body goes; null is standard output, undefined leaves it to the flags. */
  output?: string | null;
  /** No other job of the call has this output: once it is there nobody needs to remember that. */
  sole?: boolean;
  method?: string;
  /** Further ones, each in place of one of the same name. */
  headers?: Headers;
  body?: BodySource;
  /** Lower-case hex. */
  sha256?: string;
  /** The time that a file gets, in milliseconds since 1970, or what `Last-Modified` says. */
  mtime?: number | "server";
  /** Why it cannot be done at all. */
  fault?: FerryError;
  /** Is told that its file has its name, and what the answer said of that. */
  onStored?: (said: { lastModified?: number; etag?: string | null }) => void;
  /** Is told how it ended, before the line of `--json` is written. */
  onEnd?: (outcome: Outcome) => void;
}

/** Jobs as the run takes them: one after the other, when there is room for another. */
export type Jobs = Iterable<Job> | AsyncIterable<Job> | Stream<Job>;

/** Jobs on their way. */
export type JobIterator =
  | Iterator<Job>
  | AsyncIterator<Job>
  | ReturnType<Stream<Job>[typeof Symbol.asyncIterator]>;
