/** Trees in memory, for tests of plans: as a scan would give them, and changed as operations change a folder. */
import { assert, assertEquals } from "@std/assert";
import { type Entry, sameVersion, type Tree, versionOf } from "../core/entry.ts";
import { parentPath } from "../core/paths.ts";
import { folderDigest } from "../wire/folder_digest.ts";
import type { Operation } from "../wire/operation.ts";
import {
  folderOperations,
  insideOperations,
  keepOperation,
  operationOf,
  unlockOperations,
} from "./batches.ts";
import { searchMoves, withMoves } from "./moves.ts";
import { type Change, makePlan, type Plan, type PlanOptions } from "./plan.ts";

/** A file. */
export const f = (content: string, mtime = 1, mode = 0o644): Item => ({ kind: "file", content, mtime, mode });
/** A folder. */
export const d = (mode = 0o755): Item => ({ kind: "dir", mtime: 1, mode });
/** A link. */
export const l = (target: string): Item => ({ kind: "symlink", target, mtime: 1 });
/** Content of a size that is rare. */
export const LARGE = "x".repeat(20_000);

/** What a path holds, with the content of files. */
export type Item =
  | { kind: "file"; content: string; mtime: number; mode: number }
  | { kind: "dir"; mtime: number; mode: number }
  | { kind: "symlink"; target: string; mtime: number };
/** A whole tree. */
export type Model = Map<string, Item>;

function entryOf(item: Item): Entry {
  if (item.kind !== "file") return { ...item };
  return { kind: "file", size: item.content.length, mtime: item.mtime, mode: item.mode };
}

/** The tree as a scan would give it: parents before children. */
export function treeOf(model: Model): Tree {
  return new Map([...model.keys()].sort().map((path) => [path, entryOf(model.get(path)!)]));
}

/** Stands for the SHA-256 of a content; the planner only compares them. */
const hashOf = (content: string) => `#${content}`;

/** The plan with the moves that are in it. */
export function planOf(source: Model, destination: Model, options: PlanOptions): Plan {
  const tree = treeOf(destination);
  const plan = makePlan(treeOf(source), tree, options);
  const search = searchMoves(plan, tree);
  if (search === null) return plan;
  const hashes = (model: Model, paths: string[]) =>
    new Map(paths.map((path) => [path, hashOf((model.get(path) as { content: string }).content)]));
  return withMoves(plan, search, {
    source: hashes(source, search.hashes.source),
    destination: hashes(destination, search.hashes.destination),
  });
}

/** Does operations as a file system would; throws where one cannot be done. */
class Disk {
  readonly staged = new Map<number, string>();

  constructor(readonly model: Model) {}

  do(operation: Operation): void {
    const { path, expect } = operation;
    const parent = parentPath(path);
    assert(parent === "" || this.model.get(parent)?.kind === "dir", `no folder for ${path}`);
    const here = this.model.get(path);
    const actual = versionOf(here && entryOf(here));
    assert(sameVersion(expect, actual), `${operation.op} ${path}: not as expected`);
    switch (operation.op) {
      case "keep": {
        const { content } = here as { content: string };
        assertEquals(hashOf(content), operation.sha256);
        this.staged.set(operation.stage, content);
        return;
      }
      case "mkdir":
        this.#clear(path);
        this.model.set(path, { kind: "dir", mode: operation.mode, mtime: 0 });
        return;
      case "file": {
        this.#clear(path);
        const { mode, mtime } = operation;
        this.model.set(path, { kind: "file", content: this.staged.get(operation.stage)!, mode, mtime });
        return;
      }
      case "symlink":
        this.#clear(path);
        this.model.set(path, { kind: "symlink", target: operation.target, mtime: operation.mtime });
        return;
      case "delete":
        this.#clear(path);
        return;
      case "meta":
        if (operation.mode !== undefined) (here as { mode: number }).mode = operation.mode;
        if (operation.mtime !== undefined) here!.mtime = operation.mtime;
        return;
      case "move":
        this.#move(operation);
    }
  }

  #clear(path: string): void {
    for (const other of this.model.keys()) assert(!other.startsWith(path + "/"), `${path} is not empty`);
    this.model.delete(path);
  }

  #move(operation: Extract<Operation, { op: "move" }>): void {
    const { path, from, expectFrom, mode, mtime } = operation;
    const inside = [...this.model].filter(([other]) => other.startsWith(from + "/"));
    const moved = this.model.get(from);
    assert(moved !== undefined && moved.kind === expectFrom.kind, `${from} is not there to be moved`);
    if (expectFrom.kind === "dir") {
      const relative = inside.map(([other, item]) => [other.slice(from.length + 1), entryOf(item)] as const);
      assertEquals(folderDigest(relative), expectFrom.digest);
    } else {
      assert(sameVersion(expectFrom, versionOf(entryOf(moved))));
    }
    this.#clear(path);
    for (const [other] of [[from] as const, ...inside]) {
      this.model.set(path + other.slice(from.length), this.model.get(other)!);
      this.model.delete(other);
    }
    const here = this.model.get(path)!;
    if (mode !== undefined) (here as { mode: number }).mode = mode;
    if (mtime !== undefined) here.mtime = mtime;
  }
}

/** Carries `plan` out as a run does; gives the content that had to travel. */
export function apply(plan: Plan, source: Model, destination: Model): string[] {
  const disk = new Disk(destination);
  const travelled: string[] = [];
  let next = 0;
  for (const operation of unlockOperations(plan)) disk.do(operation);
  const stages = new Map<Change, number>();
  for (const change of plan.changes) {
    if (change.op === "delete" || change.op === "move" || change.copy === undefined) continue;
    stages.set(change, next);
    disk.do(keepOperation(change.copy, next++));
  }
  for (const change of plan.changes) {
    let stage = stages.get(change);
    if (change.op !== "delete" && change.op !== "move" && change.content) {
      stage = next++;
      const { content } = source.get(change.path) as { content: string };
      disk.staged.set(stage, content);
      travelled.push(change.path);
    }
    const meta = change.op === "delete" ? undefined : change.entry;
    const staged = stage === undefined || meta?.kind !== "file"
      ? null
      : { stage, mode: meta.mode, mtime: meta.mtime };
    disk.do(operationOf(change, staged));
    if (change.op === "move") { for (const operation of insideOperations(change)) disk.do(operation); }
  }
  for (const operation of folderOperations(plan, new Set())) disk.do(operation);
  return travelled;
}
