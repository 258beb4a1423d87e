/** The changes of a commit. */
import { MODE_MASK, type Version } from "../core/entry.ts";
import { isWithin } from "../core/paths.ts";
import { digest, type Fields, integer, list, malformed, pathOf, text, time } from "./fields.ts";
import { MAX_OPERATIONS } from "./limits.ts";

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

/** A `file` for each of `count` numbers from `stage` on, at the path, mode and time that they came with, where nothing is. */
export interface FilesOperation {
  op: "files";
  stage: number;
  count: number;
}

/** What `POST commit` carries; the same `key` a second time gives the first answer again. */
export interface CommitRequest {
  key: string;
  operations: (Operation | FilesOperation)[];
}

/** The body of `POST commit`. */
export function parseCommitRequest(fields: Fields): CommitRequest {
  const operations = list(fields, "operations", MAX_OPERATIONS).map(parseOperation);
  const count = operations.reduce(
    (sum, operation) => sum + (operation.op === "files" ? operation.count : 1),
    0,
  );
  if (count > MAX_OPERATIONS) throw malformed(`more than ${MAX_OPERATIONS} operations`);
  return { key: text(fields, "key", 64), operations };
}

function parseOperation(value: unknown): Operation | FilesOperation {
  if (typeof value !== "object" || value === null) throw malformed("an operation is not an object");
  const fields = value as Fields;
  if (fields.op === "files") {
    const stage = integer(fields, "stage", 0, 2 ** 32 - 1);
    return { op: "files", stage, count: integer(fields, "count", 1, MAX_OPERATIONS) };
  }
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
