import { assertEquals, assertNotEquals } from "@std/assert";
import type { Entry, Tree } from "../core/entry.ts";
import { libc } from "../store/libc.ts";
import { scanTree } from "../store/read/scan.ts";
import { type Snapshot, takeSnapshot } from "../store/read/snapshot.ts";
import type { Change } from "../wire/changes.ts";
import { treeDigest } from "../wire/tree_digest.ts";
import { NearTree } from "./near_tree.ts";
import { makePlan } from "./plan.ts";

const file = (size: number): Entry => ({ kind: "file", size, mtime: 1000, mode: 0o644 });
const folder = (mtime = 2000): Entry => ({ kind: "dir", mtime, mode: 0o755 });
const link: Entry = { kind: "symlink", target: "x", mtime: 5 };

/** What changed, in the order of the numbers. */
function changes(...list: [path: string, entry: Entry | null][]): Change[] {
  return list.map(([path, entry], at) => ({ seq: at + 1, path, entry }));
}

interface Before {
  snapshot: Snapshot;
  tree: Tree;
}

/** The tree `a/{f,g,in/deep/h}`, `b/x`, `c`, as it was. */
async function withBefore(run: (before: Before) => void): Promise<void> {
  const root = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "ferry-near-" }));
  try {
    Deno.mkdirSync(`${root}/a/in/deep`, { recursive: true });
    Deno.mkdirSync(`${root}/b`);
    for (const path of ["a/f", "a/g", "a/in/deep/h", "b/x", "c"]) {
      Deno.writeTextFileSync(`${root}/${path}`, path);
    }
    const snapshot = (await takeSnapshot(root))!;
    snapshot.root(new Map());
    run({ snapshot, tree: await scanTree(root) });
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
}

/** `tree` less `gone` with all below, then with `there`. */
function changed(tree: Tree, gone: string[], there: Record<string, Entry>): Tree {
  const kept = [...tree].filter(([path]) => !gone.some((one) => path === one || path.startsWith(one + "/")));
  const now = new Map<string, Entry>([...kept, ...Object.entries(there)]);
  return new Map([...now].sort(([a], [b]) => (a < b ? -1 : 1)));
}

const CASES: Record<string, { list: Change[]; gone?: string[]; there?: Record<string, Entry> }> = {
  "nothing": { list: [] },
  "a file that changed": { list: changes(["a/f", file(9)]), there: { "a/f": file(9) } },
  "new files, one deep": {
    list: changes(["b/new", folder()], ["b/new/y", file(1)], ["z", link]),
    there: { "b/new": folder(), "b/new/y": file(1), "z": link },
  },
  "a file that went": { list: changes(["a/f", null]), gone: ["a/f"] },
  "a folder that went": { list: changes(["a", null]), gone: ["a"] },
  "a folder that went after what was in it": {
    list: changes(["a/in/deep/h", null], ["a/in/deep", null], ["a", null]),
    gone: ["a"],
  },
  "a folder that was replaced by another": {
    list: changes(["a", null], ["a", folder()], ["a/g", file(3)]),
    gone: ["a"],
    there: { "a": folder(), "a/g": file(3) },
  },
  "a folder whose own time changed after what is in it": {
    list: changes(["n/y", file(1)], ["n", folder(9)]),
    there: { "n": folder(9), "n/y": file(1) },
  },
  "a folder of another time": { list: changes(["a/in", folder(7)]), there: { "a/in": folder(7) } },
  "a folder that became a file": {
    list: changes(["a/in/deep/h", null], ["a/in", file(4)]),
    gone: ["a/in"],
    there: { "a/in": file(4) },
  },
  "a file that became a folder": {
    list: changes(["c", folder()], ["c/y", file(2)]),
    there: { "c": folder(), "c/y": file(2) },
  },
  "a folder that was renamed": {
    list: changes(["a", null], ["q", folder()], ["q/f", file(3)], ["q/in", folder()]),
    gone: ["a"],
    there: { "q": folder(), "q/f": file(3), "q/in": folder() },
  },
  "what had gone before": { list: changes(["none", null], ["a/none/deep", null]) },
};

for (const [what, { list, gone = [], there = {} }] of Object.entries(CASES)) {
  Deno.test({
    name: `NearTree knows ${what}`,
    ignore: libc() === null,
    fn: () =>
      withBefore(({ snapshot, tree }) => {
        const near = new NearTree(snapshot, list);
        const now = changed(tree, gone, there);
        assertEquals(near.root(), treeDigest(now));
        // A plan from the two small trees is the one from the two whole ones.
        const trees = near.trees();
        const options = { delete: true };
        const { totals, ...plan } = makePlan(trees.changed, trees.before, options);
        const { totals: _, ...whole } = makePlan(now, tree, options);
        const touched = ({ path }: { path: string }) => trees.changed.has(path);
        assertEquals(
          { ...plan, folderTimes: plan.folderTimes.toSorted(byPath) },
          { ...whole, folderTimes: whole.folderTimes.filter(touched).toSorted(byPath) },
        );
        assertEquals(totals.source - totals.destination, now.size - tree.size);
      }),
  });
}

function byPath(a: { path: string }, b: { path: string }): number {
  return a.path < b.path ? -1 : 1;
}

for (
  const [what, list] of Object.entries({
    "below a file": changes(["c/y", file(1)]),
    "in no folder": changes(["none/y", file(1)]),
    "below a folder that went": changes(["a", null], ["a/in/y", file(1)]),
  })
) {
  Deno.test({
    name: `NearTree does not take what is told to be ${what}`,
    ignore: libc() === null,
    fn: () =>
      withBefore(({ snapshot, tree }) => {
        const near = new NearTree(snapshot, list);
        for (const path of near.trees().changed.keys()) assertNotEquals(path, list.at(-1)!.path);
        assertEquals(near.root() === treeDigest(tree), list[0].entry !== null);
      }),
  });
}

Deno.test({
  name: "NearTree has no digest with a problem in it",
  ignore: libc() === null,
  fn: () =>
    withBefore(({ snapshot }) => {
      const problem: Entry = { kind: "problem", code: "unreadable", message: "no" };
      assertEquals(new NearTree(snapshot, changes(["b/x", problem])).root(), null);
    }),
});
