/** Whatever happens to a tree, the plan with moves gives it, and what was only renamed or copied does not travel. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { parentPath } from "../core/paths.ts";
import { apply, d, f, type Item, l, LARGE, type Model, planOf } from "./model_tree.ts";

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
