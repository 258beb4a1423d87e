import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
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

/** A tree in memory: what a path holds, with the content of files. */
type Item =
  | { kind: "file"; content: string; mtime: number; mode: number }
  | { kind: "dir"; mtime: number; mode: number }
  | { kind: "symlink"; target: string; mtime: number };
type Model = Map<string, Item>;

function entryOf(item: Item): Entry {
  if (item.kind !== "file") return { ...item };
  return { kind: "file", size: item.content.length, mtime: item.mtime, mode: item.mode };
}

/** The tree as a scan would give it: parents before children. */
function treeOf(model: Model): Tree {
  return new Map([...model.keys()].sort().map((path) => [path, entryOf(model.get(path)!)]));
}

/** Stands for the SHA-256 of a content; the planner only compares them. */
const hashOf = (content: string) => `#${content}`;

function planOf(source: Model, destination: Model, options: PlanOptions): Plan {
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
function apply(plan: Plan, source: Model, destination: Model): string[] {
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

/** A plan in short: `>` and `=` for moves and copies. */
function lines(plan: Plan): string[] {
  return plan.changes.flatMap((change) => {
    if (change.op === "move") {
      return [change, ...change.inside].map(({ path, from }) => `> ${from} -> ${path}`);
    }
    if (change.op === "delete") return `- ${change.path}`;
    if (change.copy !== undefined) return `= ${change.copy.from} -> ${change.path}`;
    const mark = change.op === "create" ? "+" : "~";
    return `${mark}${change.entry.kind === "file" && !change.content ? "m" : ""} ${change.path}`;
  });
}

const f = (content: string, mtime = 1, mode = 0o644): Item => ({ kind: "file", content, mtime, mode });
const d = (mode = 0o755): Item => ({ kind: "dir", mtime: 1, mode });
const l = (target: string): Item => ({ kind: "symlink", target, mtime: 1 });
const LARGE = "x".repeat(20_000);

interface Case {
  name: string;
  source: Record<string, Item>;
  destination: Record<string, Item>;
  keep?: true;
  expect: string[];
}

const CASES: Case[] = [
  { name: "a renamed file", source: { b: f("1") }, destination: { a: f("1") }, expect: ["> a -> b"] },
  {
    name: "a renamed file with another time and mode",
    source: { b: f("1", 5, 0o600) },
    destination: { a: f("1") },
    expect: ["> a -> b"],
  },
  {
    name: "another content of the same size and time",
    source: { b: f("1") },
    destination: { a: f("2") },
    expect: ["+ b", "- a"],
  },
  {
    name: "a renamed file without --delete is a copy",
    source: { b: f("1") },
    destination: { a: f("1") },
    keep: true,
    expect: ["= a -> b"],
  },
  {
    name: "a copied file",
    source: { a: f("1"), b: f("1") },
    destination: { a: f("1") },
    expect: ["= a -> b"],
  },
  {
    name: "one rename, the others are copies",
    source: { b: f("1"), c: f("1"), d: f("1") },
    destination: { a: f("1") },
    expect: ["> a -> b", "= a -> c", "= a -> d"],
  },
  {
    name: "two files of different sizes that changed names with each other",
    source: { a: f("22", 2), b: f("1") },
    destination: { a: f("1"), b: f("22", 2) },
    expect: ["= b -> a", "= a -> b"],
  },
  {
    name: "two files of one size that changed names with each other",
    source: { a: f("2", 2), b: f("1") },
    destination: { a: f("1"), b: f("2", 2) },
    expect: ["= b -> a", "= a -> b"],
  },
  {
    name: "a chain, as logs are rotated",
    source: { l: f("new", 9), l1: f("one1", 4), l2: f("two22", 3) },
    destination: { l: f("one1", 4), l1: f("two22", 3), l2: f("three3", 2) },
    expect: ["~ l", "= l -> l1", "= l1 -> l2"],
  },
  {
    name: "a touched file",
    source: { a: f("1", 5) },
    destination: { a: f("1") },
    expect: ["~m a"],
  },
  {
    name: "a renamed folder, with all that is in it",
    source: { n: d(), "n/f": f("1"), "n/e": d(), "n/l": l("f"), "n/s": d(), "n/s/g": f("22") },
    destination: { o: d(), "o/f": f("1"), "o/e": d(), "o/l": l("f"), "o/s": d(), "o/s/g": f("22") },
    expect: ["> o -> n", "> o/e -> n/e", "> o/s -> n/s", "> o/l -> n/l", "> o/f -> n/f", "> o/s/g -> n/s/g"],
  },
  {
    name: "a renamed folder with one file edited in it",
    source: { n: d(), "n/f": f("9", 9), "n/g": f("22"), "n/s": d(), "n/s/g": f("333") },
    destination: { o: d(), "o/f": f("1"), "o/g": f("22"), "o/s": d(), "o/s/g": f("333") },
    expect: ["+ n", "> o/s -> n/s", "> o/s/g -> n/s/g", "> o/g -> n/g", "+ n/f", "- o/f", "- o"],
  },
  {
    name: "a renamed folder with a new file in it",
    source: { n: d(), "n/f": f("1"), "n/new": f("new"), "n/s": d(), "n/s/g": f("333") },
    destination: { o: d(), "o/f": f("1"), "o/s": d(), "o/s/g": f("333") },
    expect: ["+ n", "> o/s -> n/s", "> o/s/g -> n/s/g", "> o/f -> n/f", "+ n/new", "- o"],
  },
  {
    name: "a folder that is copied, with new times",
    source: { o: d(), "o/f": f("1"), n: d(), "n/f": f("1", 7) },
    destination: { o: d(), "o/f": f("1") },
    expect: ["+ n", "= o/f -> n/f"],
  },
  {
    name: "a file moved out of a folder that goes",
    source: { f: f(LARGE) },
    destination: { o: d(), "o/deep": d(), "o/deep/f": f(LARGE) },
    expect: ["> o/deep/f -> f", "- o/deep", "- o"],
  },
  {
    name: "a file moved to where another one is",
    source: { b: f("1") },
    destination: { a: f("1"), b: f("22") },
    expect: ["> a -> b"],
  },
  {
    name: "a file in a folder that has to make way is copied first",
    source: { o: f("1") },
    destination: { o: d(), "o/f": f("1") },
    expect: ["- o/f", "= o/f -> o"],
  },
  {
    name: "a file that becomes a folder and lives on in it",
    source: { a: d(), "a/f": f("1") },
    destination: { a: f("1") },
    expect: ["~ a", "= a -> a/f"],
  },
  {
    name: "empty files are made, not moved",
    source: { b: f("") },
    destination: { a: f("") },
    expect: ["+ b", "- a"],
  },
];

for (const { name, source, destination, keep, expect } of CASES) {
  Deno.test(`withMoves() plans ${name}`, () => {
    const [from, to] = [new Map(Object.entries(source)), new Map(Object.entries(destination))];
    const plan = planOf(from, to, { delete: !keep });
    assertEquals(lines(plan), expect);
    apply(plan, from, to);
    for (const [path, item] of from) assertEquals([path, to.get(path)], [path, item]);
    if (!keep) assertEquals(to.size, from.size);
  });
}

Deno.test("withMoves() counts entries that move, and no bytes for what does not travel", () => {
  const source = new Map(
    Object.entries({ n: d(), "n/f": f("1"), "n/g": f("22"), c: f("22", 3), new: f("333") }),
  );
  const destination = new Map(Object.entries({ o: d(), "o/f": f("1"), "o/g": f("22"), gone: f("4444") }));
  const { totals } = planOf(source, destination, { delete: true });
  assertEquals(totals, { create: 2, update: 0, delete: 1, move: 3, bytes: 3, source: 5, destination: 4 });
});

Deno.test("searchMoves() asks for nothing when sizes, names and times say that nothing was moved", () => {
  const many = (prefix: string, mtime: number) =>
    Array.from({ length: 1000 }, (_, n) => [`${prefix}${n}`, f(`${n}`.padStart(9), mtime)] as [string, Item]);
  const tree = treeOf(new Map(many("old", 1)));
  const plan = makePlan(treeOf(new Map(many("new", 2))), tree, { delete: true });
  assertEquals(searchMoves(plan, tree), null);
});

Deno.test("searchMoves() asks for few hashes a file, whatever the trees", () => {
  const many = (dir: string) =>
    Array.from({ length: 2000 }, (_, n) => [`${dir}/${n}/same`, f(LARGE)] as [string, Item]);
  const folders = (dir: string) =>
    Array.from({ length: 2000 }, (_, n) => [`${dir}/${n}`, d()] as [string, Item]);
  const side = (dir: string): Model => new Map([[dir, d()], ...folders(dir), ...many(dir)]);
  // Nothing pairs as a whole, since both have a file of their own.
  const from = side("n").set("n/x", f("xx")), to = side("o").set("o/y", f("yyy"));
  const plan = makePlan(treeOf(from), treeOf(to), { delete: true });
  const search = searchMoves(plan, treeOf(to))!;
  assert([...search.candidates.values()].every((list) => list.length <= 4));
  const moved = planOf(from, to, { delete: true });
  assertEquals([moved.totals.move, moved.totals.bytes], [4000, 2]);
});

/** A random tree from random paths; a path that another needs as a folder is one. */
const CONTENTS = ["a", "b", "c", "aa", "bb", "ccc", "dddd", LARGE, LARGE + "y", ""];
const content = fc.constantFrom(...CONTENTS);
/** A time of a content's own: at one path, size and time tell contents apart, as they do for Ferry. */
const timeOf = (text: string, nth = 0) => CONTENTS.indexOf(text) * 10 + nth;
const name = fc.constantFrom("a", "b", "c", "d");
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join("/"));
const item: fc.Arbitrary<Item> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(content, fc.nat(3)).map(([text, nth]) => f(text, timeOf(text, nth))),
  },
  { weight: 2, arbitrary: fc.constantFrom(0o755, 0o555, 0o700).map((mode) => d(mode)) },
  { weight: 1, arbitrary: fc.constantFrom("x", "y").map((target) => l(target)) },
);

function build(items: readonly [string, Item][]): Model {
  const model: Model = new Map();
  for (const [path, item] of items) put(model, path, item);
  return model;
}

/** Puts `item` at `path`, with the folders that it needs; what is there gives way. */
function put(model: Model, path: string, item: Item): void {
  for (let dir = parentPath(path); dir !== ""; dir = parentPath(dir)) {
    if (model.get(dir)?.kind !== "dir") model.set(dir, d());
  }
  for (const other of [...model.keys()]) if (other.startsWith(path + "/")) model.delete(other);
  model.set(path, { ...item });
}

const tree = fc.array(fc.tuple(path, item), { maxLength: 14 }).map(build);

/** What somebody does to a tree: renames, copies, swaps, edits, removals. */
interface Step {
  what: "rename" | "copy" | "swap" | "edit" | "remove" | "touch";
  at: number;
  other: number;
  path: string;
  content: string;
}
const step: fc.Arbitrary<Step> = fc.record({
  what: fc.constantFrom<Step["what"]>("rename", "rename", "copy", "swap", "edit", "remove", "touch"),
  at: fc.nat(),
  other: fc.nat(),
  path,
  content,
});

function change(model: Model, { what, at, other, path: to, content }: Step): void {
  const paths = [...model.keys()];
  if (paths.length === 0) return;
  const from = paths[at % paths.length];
  const below = (dir: string) => [...model].filter(([path]) => path === dir || path.startsWith(dir + "/"));
  const remove = (dir: string) => below(dir).forEach(([path]) => model.delete(path));
  if (what === "remove") return remove(from);
  const item = model.get(from)!;
  if (what === "edit" || what === "touch") {
    if (item.kind !== "file") return;
    if (what === "edit") model.set(from, { ...item, content, mtime: timeOf(content, 5) });
    else model.set(from, { ...item, mtime: item.mtime + 100 });
    return;
  }
  const target = what === "swap" ? paths[other % paths.length] : to;
  if (target === from || target.startsWith(from + "/") || from.startsWith(target + "/")) return;
  const [here, there] = [below(from), below(target)];
  if (what !== "copy") remove(from);
  remove(target);
  for (const [path, item] of here) put(model, target + path.slice(from.length), item);
  if (what === "swap") {
    for (const [path, item] of there) {
      put(model, from + path.slice(target.length), item);
    }
  }
}

/** What the paths hold, folders by kind and mode alone: their time may be that of the last write into them. */
function shown(model: Model): unknown[] {
  return [...model].sort(([a], [b]) => (a < b ? -1 : 1)).map(([path, item]) =>
    item.kind === "dir" ? [path, item.mode] : item.kind === "symlink" ? [path, item.target] : [path, item]
  );
}

Deno.test("the plan with moves, carried out, gives the source", () => {
  fc.assert(
    fc.property(tree, fc.array(step, { maxLength: 6 }), fc.boolean(), (destination, steps, deletes) => {
      const source: Model = structuredClone(destination);
      for (const one of steps) change(source, one);
      const plan = planOf(source, destination, { delete: deletes });
      const result = structuredClone(destination);
      const refused = new Set(plan.problems.map(({ path }) => path));
      const below = (path: string) =>
        [...refused].some((root) => path === root || path.startsWith(root + "/"));
      apply(plan, source, result);
      if (deletes) assertEquals(shown(result), shown(source));
      for (const [path, item] of source) {
        if (item.kind === "file" && !below(path)) assertEquals([path, result.get(path)], [path, item]);
      }
    }),
    { numRuns: 1500 },
  );
});

Deno.test("between any two trees, the plan with moves gives the source", () => {
  fc.assert(
    fc.property(tree, tree, (source, destination) => {
      const plan = planOf(source, destination, { delete: true });
      const result = structuredClone(destination);
      apply(plan, source, result);
      assertEquals(shown(result), shown(source));
    }),
    { numRuns: 1000 },
  );
});

Deno.test("what was only renamed or copied does not travel", () => {
  const renames = fc.array(step, { maxLength: 5 }).map((steps) =>
    steps.filter(({ what }) => what === "rename" || what === "copy" || what === "swap")
  );
  // Contents that are told apart by their size, so that every guess is right.
  const items = fc.array(path, { maxLength: 12 }).map((paths) =>
    build(paths.map((path, index) => [path, f("z".repeat(index + 1), index + 1)]))
  );
  fc.assert(
    fc.property(items, renames, fc.boolean(), (destination, steps, deletes) => {
      const source: Model = structuredClone(destination);
      for (const one of steps) change(source, one);
      const plan = planOf(source, destination, { delete: deletes });
      assertEquals(apply(plan, source, structuredClone(destination)), []);
      assertEquals(plan.totals.bytes, 0);
    }),
    { numRuns: 500 },
  );
});
