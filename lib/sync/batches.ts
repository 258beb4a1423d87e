/** Cuts a plan's changes into the batches that travel together. Pure. */
import { MAX_OPERATIONS, PACK_BYTES, PACK_FILES, SMALL_FILE_BYTES } from "../wire/limits.ts";
import type { Operation } from "../wire/operation.ts";
import { versionOf } from "../core/entry.ts";
import { type Change, type Copy, type Move, type Plan, sizeOf } from "./plan.ts";

/** Changes that one commit does: without content, with the contents of small files, or with one large file. */
export type Batch =
  | { kind: "plain"; changes: Change[] }
  | { kind: "small"; changes: Change[] }
  | { kind: "large"; change: Change };

/** Operations without content that go into one commit. */
const PLAIN_OPERATIONS = Math.min(2000, MAX_OPERATIONS);

/** The batches of `changes`, in their order. New versions of files from `aloneFrom` bytes on travel by themselves too. */
export function makeBatches(changes: readonly Change[], aloneFrom = Infinity): Batch[] {
  const batches: Batch[] = [];
  let bytes = 0;
  for (const change of changes) {
    const kind = batchKind(change, aloneFrom);
    if (kind === "large") {
      batches.push({ kind, change });
      continue;
    }
    const last = batches.at(-1);
    const size = change.op === "delete" ? 0 : sizeOf(change.entry);
    if (last?.kind !== kind || last.changes.length >= (kind === "small" ? PACK_FILES : PLAIN_OPERATIONS)) {
      batches.push({ kind, changes: [change] });
      bytes = size;
    } else if (kind === "small" && bytes + size > PACK_BYTES) {
      batches.push({ kind, changes: [change] });
      bytes = size;
    } else {
      last.changes.push(change);
      bytes += size;
    }
  }
  return batches;
}

function batchKind(change: Change, aloneFrom: number): Batch["kind"] {
  if (change.op === "delete" || !change.content) return "plain";
  const renewed = change.op === "update" && change.was.kind === "file";
  return sizeOf(change.entry) > (renewed ? Math.min(aloneFrom - 1, SMALL_FILE_BYTES) : SMALL_FILE_BYTES)
    ? "large"
    : "small";
}

/** What a staged file is called and what it was when it was read, which may be newer than the plan. */
export interface StagedFile {
  stage: number;
  mode: number;
  mtime: number;
}

/** The operation that does `change`; `staged` where its content was staged. */
export function operationOf(change: Change, staged: StagedFile | null): Operation {
  const { path } = change;
  if (change.op === "delete") return { op: "delete", path, expect: versionOf(change.was) };
  if (change.op === "move") return moveOperation(change);
  const expect = change.op === "update" ? versionOf(change.was) : null;
  const { entry } = change;
  if (staged !== null) return { op: "file", path, expect, ...staged };
  switch (entry.kind) {
    case "dir":
      return change.op === "update" && change.was.kind === "dir"
        ? { op: "meta", path, mode: entry.mode | 0o700, expect }
        : { op: "mkdir", path, mode: entry.mode, expect };
    case "symlink":
      return { op: "symlink", path, target: entry.target, mtime: entry.mtime, expect };
    case "file":
      return { op: "meta", path, mode: entry.mode, mtime: entry.mtime, expect };
  }
}

function moveOperation({ path, from, entry, was, replaces, digest }: Move): Operation {
  const expect = versionOf(replaces);
  if (digest !== null) return { op: "move", path, from, expect, expectFrom: { kind: "dir", digest } };
  if (entry.kind !== "file" || was.kind !== "file") {
    throw new TypeError("a move of neither a file nor a folder");
  }
  const expectFrom = { kind: "file", size: was.size, mtime: was.mtime } as const;
  return { op: "move", path, from, mode: entry.mode, mtime: entry.mtime, expect, expectFrom };
}

/** The operation that copies what `copy` names into the stage, under the number `stage`. */
export function keepOperation({ from, was, sha256 }: Copy, stage: number): Operation {
  return { op: "keep", path: from, stage, sha256, expect: versionOf(was) };
}

/** Modes and times of what came with a folder, where they are not those of the source. */
export function insideOperations({ inside }: Move): Operation[] {
  const operations: Operation[] = [];
  for (const { path, entry, was } of inside) {
    if (entry.kind !== "file" || was.kind !== "file") continue;
    const { mode, mtime } = entry;
    if (mode === was.mode && mtime === was.mtime) continue;
    operations.push({ op: "meta", path, mode, mtime, expect: versionOf(was) });
  }
  return operations;
}

/** What opens a run: write permission for the owner of folders that changes go into. */
export function unlockOperations(plan: Plan): Operation[] {
  return plan.locked.map(({ path, was }) => ({
    op: "meta",
    path,
    mode: was.mode | 0o700,
    expect: { kind: "dir" },
  }));
}

/** What ends a run: the modes and times of folders, the deepest first, since writing into a folder changes its time. */
export function folderOperations(plan: Plan, left: ReadonlySet<string>): Operation[] {
  return plan.folderTimes
    .filter(({ path }) => !left.has(path))
    .reverse()
    .map(({ path, entry }) => ({
      op: "meta",
      path,
      mode: entry.mode,
      mtime: entry.mtime,
      expect: { kind: "dir" },
    }));
}
