/** How a push begins: who writes, and how. */
import { quote } from "../core/errors.ts";
import { type Fields, flag, integer, isObject, malformed, text, time } from "./fields.ts";

/** Who writes to a place, for those who have to wait: which process on which machine, since when (ms), from where. */
export interface Holder {
  source: string;
  host: string;
  pid: number;
  since: number;
}

/** What `POST session` begins a push with. */
export interface SessionRequest {
  holder: Holder;
  options: SessionOptions;
}

/** How a push writes. */
export interface SessionOptions {
  /** Wait for the disk. */
  fsync: boolean;
  /** Keep what is replaced or deleted in the server's trash. */
  trash: boolean;
}

/**
 * The first line of the answer to `POST session`: whether what was staged before is still there, of how many large files
 * something came before, and whether something is left of a first copy.
 */
export interface SessionAnswer {
  known: boolean;
  parts: number;
  left: boolean;
}

/** The body of `POST session`. */
export function parseSessionRequest(fields: Fields): SessionRequest {
  if (!isObject(fields.holder)) throw malformed('"holder" is missing');
  return { holder: parseHolder(fields.holder), options: parseSessionOptions(fields.options) };
}

/** What is left out is as it is by default: safe. */
export function parseSessionOptions(value: unknown): SessionOptions {
  if (value !== undefined && !isObject(value)) throw malformed('"options" is not an object');
  const fields: Fields = { fsync: true, trash: true, ...value };
  return { fsync: flag(fields, "fsync"), trash: flag(fields, "trash") };
}

/** The first line of the answer to `POST session`. */
export function parseSessionAnswer(fields: Fields): SessionAnswer {
  return { known: flag(fields, "known"), parts: integer(fields, "parts"), left: flag(fields, "left") };
}

/** The answer of `GET stage`: bytes of a large file that are there. */
export function parseHave(fields: Fields): { have: number } {
  return { have: integer(fields, "have") };
}

/** Who writes; for messages only, so that nothing about it is believed but its form. */
export function parseHolder(fields: Fields): Holder {
  return {
    source: text(fields, "source"),
    host: text(fields, "host", 255),
    pid: integer(fields, "pid"),
    since: time(fields, "since"),
  };
}

/** `holder` as a part of a sentence: `from SOURCE, process PID on HOST, since TIME`. */
export function describeHolder({ source, host, pid, since }: Holder): string {
  const time = new Date(since).toISOString().replace(/\.\d+Z$/, "Z");
  return `from ${quote(source)}, process ${pid} on ${quote(host)}, since ${time}`;
}
