import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Entry, Tree } from "../core/entry.ts";
import { parentPath } from "../core/paths.ts";
import { makePlan, type Plan, type PlanOptions } from "./plan.ts";

const f = (size = 1, mtime = 1, mode = 0o644): Entry => ({ kind: "file", size, mtime, mode });
const d = (mode = 0o755, mtime = 1): Entry => ({ kind: "dir", mode, mtime });
const l = (target = "x", mtime = 1): Entry => ({ kind: "symlink", target, mtime });
const p = (): Entry => ({ kind: "problem", code: "unreadable", message: "no" });

function tree(entries: Record<string, Entry>): Tree {
  return new Map(Object.entries(entries));
}

/** A plan in short: `+`, `~` (`~m` without content), `-` and `!` with their paths. */
function lines(plan: Plan): string[] {
  return [
    ...plan.changes.map((change) => {
      if (change.op === "delete") return `- ${change.path}`;
      if (change.op === "create") return `+ ${change.path}`;
      return `${change.entry.kind === "file" && !change.content ? "~m" : "~"} ${change.path}`;
    }),
    ...plan.problems.map((problem) => `! ${problem.path} ${problem.code}`),
  ];
}

const hide = (source: string[], destination: string[] = []): PlanOptions => ({
  delete: true,
  hidden: { source: new Set(source), destination: new Set(destination) },
});

interface Case {
  name: string;
  source: Record<string, Entry>;
  destination: Record<string, Entry>;
  options?: PlanOptions;
  expect: string[];
}

const CASES: Case[] = [
  { name: "nothing on both sides", source: {}, destination: {}, expect: [] },
  { name: "the same", source: { a: d(), "a/f": f() }, destination: { a: d(), "a/f": f() }, expect: [] },
  {
    name: "all new: folders first, then links, then files",
    source: { f: f(), a: d(), l: l(), "a/f": f(), "a/b": d() },
    destination: {},
    expect: ["+ a", "+ a/b", "+ l", "+ f", "+ a/f"],
  },
  { name: "another size", source: { f: f(2) }, destination: { f: f(1) }, expect: ["~ f"] },
  { name: "another time", source: { f: f(1, 2) }, destination: { f: f(1, 1) }, expect: ["~ f"] },
  { name: "an older time counts too", source: { f: f(1, 1) }, destination: { f: f(1, 2) }, expect: ["~ f"] },
  { name: "another mode", source: { f: f(1, 1, 0o600) }, destination: { f: f() }, expect: ["~m f"] },
  { name: "a folder's mode", source: { a: d(0o700) }, destination: { a: d() }, expect: ["~ a"] },
  { name: "a folder's time is no change", source: { a: d(0o755, 2) }, destination: { a: d() }, expect: [] },
  { name: "a link's target", source: { l: l("y") }, destination: { l: l("x") }, expect: ["~ l"] },
  { name: "a link's time is no change", source: { l: l("x", 2) }, destination: { l: l("x", 1) }, expect: [] },
  {
    name: "extras stay without delete",
    source: { f: f() },
    destination: { f: f(), g: f(), h: d(), "h/i": f() },
    expect: [],
  },
  {
    name: "extras go with delete, the deepest first",
    source: { f: f() },
    destination: { f: f(), g: f(), h: d(), "h/i": d(), "h/i/j": f() },
    options: { delete: true },
    expect: ["- h/i/j", "- h/i", "- h", "- g"],
  },
  {
    name: "what is hidden at the source is left alone at the destination, with all below it",
    source: { f: f() },
    destination: { h: d(), "h/i": f(), "h/i2": d(), g: f() },
    options: hide(["h"]),
    expect: ["+ f", "- g"],
  },
  {
    name: "a folder with something hidden in it stays, and its other files go",
    source: {},
    destination: { h: d(), "h/i": d(), "h/j": f() },
    options: hide([], ["h/i/x"]),
    expect: ["- h/j"],
  },
  {
    name: "what a filter hides at the destination is not replaced by another kind",
    source: { b: f(), c: d(), "c/x": f() },
    destination: {},
    options: hide([], ["b", "c"]),
    expect: ["! b conflict", "! c conflict"],
  },
  {
    name: "a folder that holds something hidden is not replaced by a file",
    source: { b: f() },
    destination: { b: d(), "b/x": f() },
    options: hide([], ["b/y"]),
    expect: ["- b/x", "! b conflict"],
  },
  {
    name: "names that sort before a slash do not part a folder from what is in it",
    source: {},
    destination: { a: d(), "a/x": f(), "a b": f(), "a-": d(), "a-/y": f(), "a0": f() },
    options: { delete: true },
    expect: ["- a0", "- a/x", "- a-/y", "- a-", "- a b", "- a"],
  },
  {
    name: "a file becomes a folder",
    source: { a: d(), "a/f": f() },
    destination: { a: f() },
    expect: ["~ a", "+ a/f"],
  },
  {
    name: "a link becomes a folder",
    source: { a: d(), "a/f": f() },
    destination: { a: l() },
    expect: ["~ a", "+ a/f"],
  },
  { name: "a link becomes a file", source: { a: f() }, destination: { a: l() }, expect: ["~ a"] },
  { name: "a file becomes a link", source: { a: l() }, destination: { a: f() }, expect: ["~ a"] },
  { name: "an empty folder becomes a file", source: { a: f() }, destination: { a: d() }, expect: ["~ a"] },
  {
    name: "a full folder does not become a file without delete",
    source: { a: f(), b: l() },
    destination: { a: d(), "a/own": f(), b: d(), "b/own": f() },
    expect: ["! a conflict", "! b conflict"],
  },
  {
    name: "a full folder becomes a file with delete, once it is empty",
    source: { a: f(), b: l() },
    destination: { a: d(), "a/d": d(), "a/d/own": f(), b: d(), "b/own": f(), c: f() },
    options: { delete: true },
    expect: ["- b/own", "- a/d/own", "- a/d", "~ b", "~ a", "- c"],
  },
  {
    name: "a problem of the source shields what the destination has there",
    source: { a: p(), "b": d(), "b/c": p() },
    destination: { a: d(), "a/kept": f(), b: d(), "b/c": f(), "b/gone": f() },
    options: { delete: true },
    expect: ["- b/gone", "! a unreadable", "! b/c unreadable"],
  },
  {
    name: "a problem of the destination is neither overwritten nor deleted, nor is its folder",
    source: { a: f() },
    destination: { a: p(), b: d(), "b/c": p(), "b/d": f() },
    options: { delete: true },
    expect: ["- b/d", "! a unreadable", "! b/c unreadable"],
  },
  {
    name: "nothing is written below a problem of the destination",
    source: { a: d(), "a/b": d(), "a/b/f": f() },
    destination: { a: p() },
    expect: ["! a unreadable"],
  },
  {
    name: "a folder with a shielded path in it does not become a file, not even with delete",
    source: { a: f() },
    destination: { a: d(), "a/fifo": p() },
    options: { delete: true },
    expect: ["! a/fifo unreadable", "! a conflict"],
  },
  {
    name: "a name that the other side may not have is only named",
    source: { "\0..": p(), f: f() },
    destination: {},
    expect: ["+ f", "! .. unreadable"],
  },
];

for (const { name, source, destination, options, expect } of CASES) {
  Deno.test(`makePlan() plans ${name}`, () => {
    assertEquals(lines(makePlan(tree(source), tree(destination), options)), expect);
  });
}

Deno.test("makePlan() compares contents by digest when told", () => {
  const file = (sha256: string, mtime: number): Entry => ({
    kind: "file",
    size: 1,
    mtime,
    mode: 0o644,
    sha256,
  });
  const plan = (a: Entry, b: Entry) => lines(makePlan(tree({ f: a }), tree({ f: b }), { checksum: true }));
  assertEquals(plan(file("a", 1), file("a", 1)), []);
  assertEquals(plan(file("a", 1), file("b", 1)), ["~ f"]);
  assertEquals(plan(file("a", 1), file("a", 2)), ["~m f"]);
});

Deno.test("makePlan() counts changes, entries, and the bytes that travel", () => {
  const { totals } = makePlan(
    tree({ a: d(), "a/new": f(10), big: f(100, 2), mode: f(1000, 1, 0o600), link: l("y") }),
    tree({ big: f(1), mode: f(1000), link: l("x"), old: f(5), older: d() }),
    { delete: true },
  );
  assertEquals(totals, { create: 2, update: 3, delete: 2, move: 0, bytes: 110, source: 5, destination: 5 });
});

Deno.test("makePlan() sets the time of each folder that changes, or whose time is another", () => {
  const { folderTimes } = makePlan(
    tree({ a: d(), "a/f": f(2), b: d(0o755, 9), c: d(), "c/same": f(), n: d(), e: d() }),
    tree({ a: d(), "a/f": f(1), b: d(), c: d(), "c/same": f(), e: d(), "e/old": f() }),
    { delete: true },
  );
  assertEquals(folderTimes.map(({ path }) => path), ["a", "b", "n", "e"]);
});

Deno.test("makePlan() opens only the locked folders that something changes in, parents first", () => {
  const { locked } = makePlan(
    tree({ a: d(0o555), "a/b": d(0o500), "a/b/f": f(2), c: d(0o555), "c/f": f() }),
    tree({ a: d(0o555), "a/b": d(0o500), "a/b/f": f(1), c: d(0o555), "c/f": f() }),
  );
  assertEquals(locked.map(({ path }) => path), ["a/b"]);
});

/** A tree of few names, so that both sides often have the same ones. */
const shape: fc.Arbitrary<Tree> = fc.array(
  fc.record({
    names: fc.array(fc.constantFrom("a", "b", "a b", "c"), { minLength: 1, maxLength: 4 }),
    entry: fc.oneof(
      fc.record({ size: fc.nat(2), mtime: fc.nat(2), mode: fc.constantFrom(0o644, 0o600) }).map((x) =>
        f(x.size, x.mtime, x.mode)
      ),
      fc.record({ mode: fc.constantFrom(0o755, 0o555), mtime: fc.nat(2) }).map((x) => d(x.mode, x.mtime)),
      fc.constantFrom("x", "y").map((target) => l(target)),
    ),
  }),
  { maxLength: 14 },
).map((items) => {
  const all: Tree = new Map();
  for (const { names, entry } of items) {
    const path = names.join("/");
    const parents = names.slice(1).map((_, count) => names.slice(0, count + 1).join("/"));
    if (parents.some((parent) => all.has(parent) && all.get(parent)!.kind !== "dir") || all.has(path)) {
      continue;
    }
    for (const parent of parents) if (!all.has(parent)) all.set(parent, d());
    all.set(path, entry);
  }
  return all;
});

/** Does what a plan says to a model of a file system that refuses what a real one refuses. */
function apply(plan: Plan, destination: Tree): Tree {
  const result: Tree = new Map(destination);
  const hasChildren = (path: string) => [...result.keys()].some((other) => other.startsWith(path + "/"));
  for (const change of plan.changes) {
    const parent = parentPath(change.path);
    assert(parent === "" || result.get(parent)?.kind === "dir", `${change.path}: no folder for it`);
    const there = result.get(change.path);
    if (change.op === "create") assertEquals(there, undefined);
    else assertEquals(there, change.was, change.path);
    const keeps = change.op === "update" && change.entry.kind === "dir" && change.was.kind === "dir";
    if (!keeps) assert(!hasChildren(change.path), `${change.path}: not empty`);
    if (change.op === "delete") result.delete(change.path);
    else result.set(change.path, change.entry);
  }
  for (const { path, entry } of plan.folderTimes) {
    assertEquals(result.get(path)?.kind, "dir");
    result.set(path, entry);
  }
  return result;
}

function sorted(entries: Tree): [string, Entry][] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** A link's time alone is no reason for a change. */
function withoutLinkTimes(entries: Tree): [string, Entry][] {
  return sorted(entries).map((
    [path, entry],
  ) => [path, entry.kind === "symlink" ? { ...entry, mtime: 0 } : entry]);
}

Deno.test("makePlan() makes the destination the source when extras are deleted, and then has nothing left to do", () => {
  fc.assert(
    fc.property(shape, shape, (source, destination) => {
      const frozen = [sorted(source), sorted(destination)];
      const plan = makePlan(source, destination, { delete: true });
      assertEquals([sorted(source), sorted(destination)], frozen, "trees are not changed");
      const result = apply(plan, destination);
      assertEquals(withoutLinkTimes(result), withoutLinkTimes(source));
      const again = makePlan(source, result, { delete: true });
      assertEquals([again.changes, again.folderTimes, again.problems], [[], [], []]);
    }),
    { numRuns: 400 },
  );
});

Deno.test("makePlan() loses nothing that only the destination has when extras stay", () => {
  fc.assert(
    fc.property(shape, shape, (source, destination) => {
      const plan = makePlan(source, destination);
      assertEquals(plan.totals.delete, 0);
      const result = apply(plan, destination);
      const conflicts = new Set(plan.problems.map((problem) => problem.path));
      for (const [path, entry] of destination) {
        if (!source.has(path) && result.get(path) === undefined) {
          throw new Error(`${path} (${entry.kind}) was lost`);
        }
      }
      for (const path of source.keys()) {
        const below = [...conflicts].some((conflict) => path === conflict || path.startsWith(conflict + "/"));
        if (!below) assertEquals(result.get(path)?.kind, source.get(path)!.kind, path);
      }
    }),
    { numRuns: 400 },
  );
});

Deno.test("makePlan() touches no problem of either side, nor what lies below one", () => {
  const withProblems = fc.tuple(shape, fc.array(fc.nat(20), { maxLength: 3 })).map(([base, picks]) => {
    const keys = [...base.keys()];
    for (const pick of picks) {
      const path = keys[pick % Math.max(1, keys.length)];
      if (path === undefined || !base.has(path)) continue;
      for (const other of keys) if (other.startsWith(path + "/")) base.delete(other);
      base.set(path, p());
    }
    return base;
  });
  fc.assert(
    fc.property(withProblems, withProblems, fc.boolean(), (source, destination, deletes) => {
      const plan = makePlan(source, destination, { delete: deletes });
      const bad = [source, destination].flatMap((side) =>
        [...side].filter(([, entry]) => entry.kind === "problem").map(([path]) => path)
      );
      const touched = [...plan.changes, ...plan.folderTimes, ...plan.locked].map(({ path }) => path);
      for (const path of touched) {
        for (const problem of bad) {
          assert(path !== problem && !path.startsWith(problem + "/"), `${path} in ${problem}`);
        }
      }
      const changed = new Map(plan.changes.map((change) => [change.path, change]));
      for (const problem of bad) {
        for (let dir = parentPath(problem); dir !== ""; dir = parentPath(dir)) {
          const change = changed.get(dir);
          if (!destination.has(problem) || change === undefined) continue;
          const survives = change.op === "update" && change.entry.kind === "dir" && change.was.kind === "dir";
          assert(survives, `${change.op} ${dir} would take ${problem} with it`);
        }
        assert(plan.problems.some((said) => said.path === problem), `${problem} is not named`);
      }
    }),
    { numRuns: 600 },
  );
});
