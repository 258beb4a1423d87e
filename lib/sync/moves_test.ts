import { assert, assertEquals } from "@std/assert";
import { apply, d, f, type Item, l, LARGE, type Model, planOf, treeOf } from "./model_tree.ts";
import { searchMoves } from "./moves.ts";
import { makePlan, type Plan } from "./plan.ts";

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
