/**
 * The JSON messages of the sync API and their validators. A peer is hostile until proven otherwise: everything that
 * comes in passes through here, and what does not fit throws `protocol` or becomes a problem with one entry.
 */
import { FerryError, quote } from "../core/errors.ts";
import { MODE_MASK, type ProblemCode, type Version } from "../core/entry.ts";
import { checkedPath, isWithin } from "../core/paths.ts";
import { isId } from "./head.ts";
import { MAX_HASHED_FILES, MAX_MESSAGE_VALUES, MAX_OPERATIONS, MAX_PACK_FILES } from "./limits.ts";
import { shapeProblem } from "./shape.ts";

/** What `GET info` answers: who is there and what may be done. */
export interface Info {
  ferry: string;
  protocol: number;
  /** What the path holds; `absent` is fine for a destination. */
  kind: "dir" | "file" | "absent";
  /** The permissions at the path, letters of `rwds`. */
  permissions: string;
  /** What tells the share from all others, where it is a replica. */
  share?: string;
  /** Whether the share was a replica and bears no mark of that any more, as if its disk were not there. */
  vanished?: boolean;
  /** Whether the caller may start a job here that reads the source that was asked about. */
  jobs?: boolean;
}

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
 * The first line of the answer to `POST session`: whether what was staged before is still there, and of how many large
 * files something came before.
 */
export interface SessionAnswer {
  known: boolean;
  parts: number;
}

/** What `POST pack` asks for: paths below the folder, each a regular file. */
export interface PackRequest {
  files: string[];
}

/** What `POST hashes` asks for: paths below the folder, each a regular file. */
export interface HashesRequest {
  files: string[];
}

/** What a move expects at the path that it takes away: a file, or a folder with all that is in it (folder_digest.ts). */
export type MovedVersion =
  | { kind: "file"; size: number; mtime: number }
  | { kind: "dir"; digest: string };

/** One change of a commit. `expect` is what must be at the path for it to happen. */
export type Operation =
  | { op: "mkdir"; path: string; mode: number; expect: Version }
  | { op: "file"; path: string; stage: number; mode: number; mtime: number; expect: Version }
  | { op: "symlink"; path: string; target: string; mtime: number; expect: Version }
  | { op: "meta"; path: string; mode?: number; mtime?: number; expect: Version }
  | { op: "delete"; path: string; expect: Version }
  /** Copies the file at `path` into the stage, if its content is the one that `sha256` (64 hex digits) names. */
  | { op: "keep"; path: string; stage: number; sha256: string; expect: Version }
  /** Renames `from` to `path`; of a file, mode and time are then set. */
  | {
    op: "move";
    path: string;
    from: string;
    mode?: number;
    mtime?: number;
    expect: Version;
    expectFrom: MovedVersion;
  };

/** What `POST commit` carries; the same `key` a second time gives the first answer again. */
export interface CommitRequest {
  key: string;
  operations: Operation[];
}

/** How one operation or one staged file went: null for done. */
export type Outcome = { code: ProblemCode; message: string } | null;

const PROBLEM_CODES: ReadonlySet<string> = new Set<ProblemCode>([
  "unreadable",
  "unsupported_kind",
  "not_utf8",
  "refused_name",
  "bad_link",
  "changed",
  "vanished",
  "conflict",
  "forbidden",
  "write_failed",
  "disk_full",
  "bad_content",
  "missing",
]);

const strictDecoder = new TextDecoder("utf-8", { fatal: true });

/** The error that a message with this wrong in it is refused with. */
export function malformed(what: string): FerryError {
  return new FerryError("protocol", `malformed message: ${what}`);
}

type Fields = Record<string, unknown>;

/** Whether a part of a message is an object. */
export function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** JSON text or bytes, with at most `most` values in it, as an object. Throws `protocol`. */
export function parseObject(input: string | Uint8Array, most = MAX_MESSAGE_VALUES): Fields {
  let value: unknown;
  let trouble: string | null = null;
  try {
    const json = typeof input === "string" ? input : strictDecoder.decode(input);
    trouble = shapeProblem(json, most);
    value = trouble === null ? JSON.parse(json) : null;
  } catch {
    throw malformed("not JSON");
  }
  if (trouble !== null) throw malformed(trouble);
  if (!isObject(value)) throw malformed("not an object");
  return value;
}

/** The text `name` of a message. Throws `protocol`. */
export function text(fields: Fields, name: string, max = 4096): string {
  const value = fields[name];
  if (typeof value !== "string" || value.length > max) {
    throw malformed(`"${name}" is not a text of at most ${max}`);
  }
  return value;
}

/** The whole number `name` of a message, from `min` to `max`. Throws `protocol`. */
export function flag(fields: Fields, name: string): boolean {
  const value = fields[name];
  if (typeof value !== "boolean") throw malformed(`"${name}" is neither true nor false`);
  return value;
}

export function integer(fields: Fields, name: string, min = 0, max = Number.MAX_SAFE_INTEGER): number {
  const value = fields[name];
  if (!Number.isSafeInteger(value) || (value as number) < min || (value as number) > max) {
    throw malformed(`"${name}" is not a whole number from ${min} to ${max}`);
  }
  return value as number;
}

/** The list `name` of a message. Throws `protocol`. */
export function list(fields: Fields, name: string, max: number): unknown[] {
  const value = fields[name];
  if (!Array.isArray(value)) throw malformed(`"${name}" is not a list`);
  if (value.length > max) throw malformed(`"${name}" has more than ${max} items`);
  return value;
}

/** A time in ms that a file system can hold: about 8,900 years either side of 1970. */
export function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && Math.abs(value as number) < 2 ** 48;
}

function time(fields: Fields, name: string): number {
  const value = fields[name];
  if (!isTime(value)) throw malformed(`"${name}" is not a time in ms`);
  return value;
}

/** The answer of `info`. Throws `protocol` when the other side speaks another version, naming both. */
export function parseInfo(fields: Fields): Info {
  const kind = text(fields, "kind", 10);
  if (kind !== "dir" && kind !== "file" && kind !== "absent") {
    throw malformed(`"kind" is ${JSON.stringify(kind)}`);
  }
  return {
    ferry: text(fields, "ferry", 100),
    protocol: integer(fields, "protocol"),
    kind,
    permissions: text(fields, "permissions", 10),
    ...(isId(fields.share) ? { share: fields.share } : {}),
    ...(fields.vanished === true ? { vanished: true } : {}),
    ...(typeof fields.jobs === "boolean" ? { jobs: fields.jobs } : {}),
  };
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
  return { known: flag(fields, "known"), parts: integer(fields, "parts") };
}

/** The answer of `GET stage`: bytes of a large file that are there. */
export function parseHave(fields: Fields): { have: number } {
  return { have: integer(fields, "have") };
}

/** The body of `POST pack`. A path that is not below a root throws `bad_request`. */
export function parsePackRequest(fields: Fields): PackRequest {
  const files = list(fields, "files", MAX_PACK_FILES);
  return { files: files.map((path) => pathOf(path)) };
}

/** The body of `POST hashes`. A path that is not below a root throws `bad_request`. */
export function parseHashesRequest(fields: Fields): HashesRequest {
  return { files: list(fields, "files", MAX_HASHED_FILES).map((path) => pathOf(path)) };
}

function pathOf(value: unknown): string {
  if (typeof value !== "string" || value === "") throw malformed("a path is missing");
  return checkedPath(value);
}

/** The body of `POST commit`. */
export function parseCommitRequest(fields: Fields): CommitRequest {
  const operations = list(fields, "operations", MAX_OPERATIONS);
  return { key: text(fields, "key", 64), operations: operations.map(parseOperation) };
}

function parseOperation(value: unknown): Operation {
  if (typeof value !== "object" || value === null) throw malformed("an operation is not an object");
  const fields = value as Fields;
  const path = pathOf(fields.path);
  const expect = parseVersion(fields.expect);
  switch (fields.op) {
    case "mkdir":
      return { op: "mkdir", path, mode: integer(fields, "mode", 0, MODE_MASK), expect };
    case "file":
      return {
        op: "file",
        path,
        stage: integer(fields, "stage", 0, 2 ** 32 - 1),
        mode: integer(fields, "mode", 0, MODE_MASK),
        mtime: time(fields, "mtime"),
        expect,
      };
    case "symlink":
      return { op: "symlink", path, target: linkTarget(fields.target), mtime: time(fields, "mtime"), expect };
    case "meta":
      // Changing the mode or time of a link would reach through it.
      if (expect === null || expect.kind === "symlink") throw malformed('"meta" is for files and folders');
      return {
        op: "meta",
        path,
        mode: fields.mode === undefined ? undefined : integer(fields, "mode", 0, MODE_MASK),
        mtime: fields.mtime === undefined ? undefined : time(fields, "mtime"),
        expect,
      };
    case "delete":
      return { op: "delete", path, expect };
    case "keep":
      if (expect?.kind !== "file") throw malformed('"keep" is for files');
      return {
        op: "keep",
        path,
        stage: integer(fields, "stage", 0, 2 ** 32 - 1),
        sha256: digest(fields, "sha256"),
        expect,
      };
    case "move":
      return parseMove(fields, path, expect);
    default:
      throw malformed(`unknown operation ${JSON.stringify(fields.op)?.slice(0, 40)}`);
  }
}

function parseMove(fields: Fields, path: string, expect: Version): Operation {
  const from = pathOf(fields.from);
  if (isWithin(path, from) || isWithin(from, path)) throw malformed("a move into itself");
  const expectFrom = parseMovedVersion(fields.expectFrom);
  if (expectFrom.kind === "dir") {
    if (expect !== null) throw malformed("a folder moves to where nothing is");
    return { op: "move", path, from, expect, expectFrom };
  }
  const mode = integer(fields, "mode", 0, MODE_MASK);
  return { op: "move", path, from, mode, mtime: time(fields, "mtime"), expect, expectFrom };
}

function parseMovedVersion(value: unknown): MovedVersion {
  if (typeof value !== "object" || value === null) throw malformed('"expectFrom" is missing');
  const fields = value as Fields;
  if (fields.kind === "dir") return { kind: "dir", digest: digest(fields, "digest") };
  if (fields.kind !== "file") throw malformed('"expectFrom" is of no known kind');
  return { kind: "file", size: integer(fields, "size"), mtime: time(fields, "mtime") };
}

function digest(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== "string" || !/^[0-9a-f]{64}$/.test(value)) {
    throw malformed(`"${name}" is not a SHA-256`);
  }
  return value;
}

/** The text of a symbolic link: what `symlink(2)` takes. */
export function linkTarget(value: unknown): string {
  if (
    typeof value !== "string" || value === "" || value.length > 4095 || value.includes("\0") ||
    !value.isWellFormed()
  ) {
    throw malformed("a link target that no link can have");
  }
  return value;
}

function parseVersion(value: unknown): Version {
  if (value === null) return null;
  if (typeof value !== "object") throw malformed('"expect" is missing');
  const fields = value as Fields;
  switch (fields.kind) {
    case "dir":
      return { kind: "dir" };
    case "file":
      return { kind: "file", size: integer(fields, "size"), mtime: time(fields, "mtime") };
    case "symlink":
      return { kind: "symlink", target: linkTarget(fields.target) };
    default:
      throw malformed('"expect" is of no known kind');
  }
}

/** A problem as it stands in a frame or an outcome; a code that this version does not know becomes `unreadable`. */
export function problemOfJson(input: string | Uint8Array | Fields): { code: ProblemCode; message: string } {
  const fields = typeof input === "string" || input instanceof Uint8Array ? parseObject(input) : input;
  const code = typeof fields.code === "string" && PROBLEM_CODES.has(fields.code) ? fields.code : "unreadable";
  const message = typeof fields.message === "string" ? fields.message.slice(0, 1000) : "no reason given";
  return { code: code as ProblemCode, message };
}

/** The answer of `PUT stage` and `POST commit`: one outcome for each thing sent, in order. */
export function parseOutcomes(fields: Fields, count: number): Outcome[] {
  const outcomes = list(fields, "outcomes", MAX_OPERATIONS);
  if (outcomes.length !== count) throw malformed(`${count} outcomes were due, ${outcomes.length} came`);
  return outcomes.map((value) => {
    if (value === null) return null;
    if (typeof value !== "object") throw malformed("an outcome is neither null nor a problem");
    return problemOfJson(value as Fields);
  });
}
