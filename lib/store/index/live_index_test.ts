import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { treeDigest } from "../../wire/tree_digest.ts";
import { LiveIndex } from "./live_index.ts";
import { canWatch } from "./watches.ts";
import { scanTree } from "../read/scan.ts";

interface Bench {
  root: string;
  at(path: string): string;
  index: LiveIndex;
  told: string[];
  /** Another index of the same share, as after a restart. */
  restart(): LiveIndex;
}

/** Where the temporary folders are on a file system that cannot be watched, nothing here can be tested. */
const WATCHED = canWatch(Deno.env.get("TMPDIR") ?? "/tmp");

function bench(name: string, run: (bench: Bench) => Promise<void>): void {
  Deno.test({
    name: `LiveIndex ${name}`,
    ignore: !WATCHED,
    fn: async () => {
      const top = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "ferry-live-" }));
      const root = `${top}/share`;
      const told: string[] = [];
      const open: LiveIndex[] = [];
      const restart = () => {
        open.at(-1)?.close();
        const index = new LiveIndex(root, { dir: () => `${top}/state`, warn: (text) => told.push(text) });
        open.push(index);
        return index;
      };
      Deno.mkdirSync(`${root}/d/e`, { recursive: true });
      for (const path of ["a", "d/b", "d/e/c"]) Deno.writeTextFileSync(`${root}/${path}`, path);
      Deno.symlinkSync("a", `${root}/d/link`);
      try {
        const index = restart();
        await index.renew();
        assert(index.live);
        await run({ root, at: (path) => `${root}/${path}`, index, told, restart });
      } finally {
        for (const index of open) index.close();
        Deno.removeSync(top, { recursive: true });
      }
    },
  });
}

/** Asserts that the index holds what is there. */
async function assertTrue({ index, root }: Bench, label = ""): Promise<void> {
  assert(await index.refresh(), label);
  const tree = await scanTree(root);
  const files = [...tree.values()].filter(({ kind }) => kind === "file").length;
  const head = index.head("");
  assertEquals([head?.digest, head?.files], [treeDigest(tree), files], label);
}

bench("knows what is there", async (bench) => {
  await assertTrue(bench);
  const sub = bench.index.head("d")!;
  assertEquals([sub.digest, sub.files], [treeDigest(await scanTree(bench.at("d"))), 2]);
  assertEquals([bench.index.head("none"), bench.index.head("a"), bench.index.head("d/none")], [
    null,
    null,
    null,
  ]);
});

bench("sees every change that was made before it is asked", async (bench) => {
  const { at } = bench;
  const steps: [string, () => void][] = [
    ["new", () => Deno.writeTextFileSync(at("new"), "x")],
    ["content", () => Deno.writeTextFileSync(at("d/b"), "longer than before")],
    ["append", () => Deno.writeTextFileSync(at("d/e/c"), "+", { append: true })],
    ["time", () => Deno.utimeSync(at("a"), 1e9, 1e9)],
    ["mode", () => Deno.chmodSync(at("a"), 0o600)],
    ["folder's mode", () => Deno.chmodSync(at("d/e"), 0o700)],
    ["folder's time", () => Deno.utimeSync(at("d"), 1e9, 1e9)],
    ["delete", () => Deno.removeSync(at("new"))],
    ["link", () => Deno.symlinkSync("b", at("d/link2"))],
    ["link over a link", () => (Deno.removeSync(at("d/link")), Deno.symlinkSync("c", at("d/link")))],
    ["rename over", () => (Deno.writeTextFileSync(at("t"), "tt"), Deno.renameSync(at("t"), at("a")))],
    ["new folders", () => Deno.mkdirSync(at("x/y/z"), { recursive: true })],
    ["in a new folder", () => Deno.writeTextFileSync(at("x/y/z/f"), "f")],
    ["folder moved", () => Deno.renameSync(at("x"), at("d/x2"))],
    ["in a moved folder", () => Deno.writeTextFileSync(at("d/x2/y/z/f"), "ff")],
    ["folder back", () => Deno.renameSync(at("d/x2"), at("x"))],
    ["in a folder that is back", () => Deno.writeTextFileSync(at("x/y/g"), "g")],
    ["two folders swapped", () => {
      Deno.renameSync(at("x"), at("t"));
      Deno.renameSync(at("d"), at("x"));
      Deno.renameSync(at("t"), at("d"));
    }],
    ["in a swapped folder", () => Deno.writeTextFileSync(at("x/e/c"), "swapped")],
    ["folder for a file", () => (Deno.removeSync(at("a")), Deno.mkdirSync(at("a/b"), { recursive: true }))],
    ["file for a folder", () => {
      Deno.removeSync(at("d"), { recursive: true });
      Deno.writeTextFileSync(at("d"), "file");
    }],
    ["same folder name, another folder", () => {
      Deno.removeSync(at("x"), { recursive: true });
      Deno.mkdirSync(at("x/e"), { recursive: true });
      Deno.writeTextFileSync(at("x/e/c"), "c");
    }],
  ];
  let last = bench.index.head("")!;
  for (const [label, change] of steps) {
    change();
    await assertTrue(bench, label);
    const now = bench.index.head("")!;
    assert(now.seq > last.seq && now.digest !== last.digest, label);
    last = now;
  }
});

bench(
  "sees what is written through a file that was open before, and through a second name",
  async (bench) => {
    using file = Deno.openSync(bench.at("a"), { write: true });
    await assertTrue(bench);
    file.writeSync(new TextEncoder().encode("written late"));
    await assertTrue(bench, "open file");
    Deno.linkSync(bench.at("d/b"), `${bench.root}/../outside`);
    Deno.utimeSync(bench.at("d/b"), 1e9, 1e9);
    await assertTrue(bench, "linked");
    Deno.writeTextFileSync(`${bench.root}/../outside`, "through the other name");
    await assertTrue(bench, "written through it");
  },
);

bench("holds the truth through storms of changes, also over the kernel's limit", async (bench) => {
  const limit = Number(Deno.readTextFileSync("/proc/sys/fs/inotify/max_queued_events"));
  const count = Math.min(limit, 20_000) + 1000;
  for (let i = 0; i < count; i++) {
    // Two folders in turn, since events that are alike become one.
    const path = bench.at(i % 2 === 0 ? "d/b" : "a");
    Deno.chmodSync(path, i % 3 === 0 ? 0o600 : 0o644);
  }
  await assertTrue(bench, "after an overflow");
});

bench("notes that a folder has gone, also when another took its name", async (bench) => {
  const { index, at } = bench;
  await assertTrue(bench);
  const steps: [string, () => void][] = [
    ["d/e", () => Deno.removeSync(at("d/e"), { recursive: true })],
    ["d", () => {
      Deno.renameSync(at("d"), at("old"));
      Deno.mkdirSync(at("d"));
    }],
    ["old", () => Deno.renameSync(at("old"), at("new"))],
  ];
  for (const [path, step] of steps) {
    const { seq } = index.head("")!;
    step();
    await assertTrue(bench, path);
    assertEquals(index.buried(seq)!.map((one) => one.path), [path]);
    assert(index.head("")!.seq > seq, path);
  }
});

bench("numbers anew what comes back, also when its hashes were remembered meanwhile", async (bench) => {
  const { index, at } = bench;
  Deno.utimeSync(at("d/b"), 1e9, 1e9);
  for (const [from, to] of [["d", "moved"], ["moved", "d"], ["d", "moved"]]) {
    await assertTrue(bench);
    const info = Deno.lstatSync(at(`${from}/b`));
    index.rememberHash(`${from}/b`, info, { sha256: "ab".repeat(32), began: Date.now() + 10_000 });
    const { seq } = index.head("")!;
    Deno.renameSync(at(from), at(to));
    await assertTrue(bench);
    const names = index.knownIn(index.folder(to)!).filter((one) => one.seq > seq).map(({ name }) => name);
    assertEquals(names, ["b", "link"], `${from} to ${to}`);
  }
});

bench("knows one entry of a large folder as well as all of them", async (bench) => {
  const { at } = bench;
  Deno.mkdirSync(at("large"));
  for (let i = 0; i < 300; i++) Deno.writeTextFileSync(at(`large/${i}`), "");
  await assertTrue(bench);
  const steps: (() => void)[] = [
    () => Deno.writeTextFileSync(at("large/7"), "changed"),
    () => Deno.removeSync(at("large/8")),
    () => Deno.renameSync(at("large/9"), at("large/new")),
    () => Deno.chmodSync(at("large/10"), 0o600),
    () => Deno.symlinkSync("7", at("large/link")),
    () => {
      Deno.removeSync(at("large/11"));
      Deno.mkdirSync(at("large/11"));
    },
    () => Deno.writeTextFileSync(at("large/11/inner"), "x"),
    () => {
      Deno.removeSync(at("large/11"), { recursive: true });
      Deno.writeTextFileSync(at("large/11"), "a file again");
    },
    () => Deno.linkSync(at("large/12"), at("large/second")),
    () => Deno.writeTextFileSync(at("large/12"), "through the first name"),
    () => Deno.removeSync(at("large/second")),
    () => Deno.writeTextFileSync(at("large/.ferryignore"), "x"),
    () => Deno.mkdirSync(at("large/.ferry")),
    () => {
      for (let i = 20; i < 290; i++) Deno.writeTextFileSync(at(`large/${i}`), "all of them");
    },
    () => Deno.chmodSync(at("large"), 0o700),
  ];
  for (const step of steps) {
    step();
    await assertTrue(bench, step.toString());
  }
  assertEquals(bench.index.head("")!.rules, true);
});

bench("counts on after a restart, and notes what happened meanwhile", async (bench) => {
  const { at, index } = bench;
  const before = index.head("")!;
  const unchanged = bench.restart();
  await unchanged.renew();
  const same = unchanged.head("")!;
  assertEquals(same, before);
  unchanged.close();
  Deno.removeSync(at("d/e"), { recursive: true });
  Deno.writeTextFileSync(at("a"), "changed while nobody looked");
  const next = bench.restart();
  await next.renew();
  await assertTrue({ ...bench, index: next });
  const after = next.head("")!;
  assertEquals([after.replica, after.epoch], [before.replica, before.epoch]);
  assert(after.seq > before.seq);
  assertEquals(next.buried(before.seq)!.map(({ path }) => path), ["d/e"]);
  const changed = next.knownIn(next.folder("")!).filter(({ seq }) => seq > before.seq);
  assertEquals(changed.map(({ name }) => name), ["a"]);
});

bench("is built anew when its file is damaged, and says so once", async (bench) => {
  const before = bench.index.head("")!;
  bench.index.close();
  Deno.writeTextFileSync(`${bench.root}/../state/index.db`, "no database ".repeat(1000));
  const next = bench.restart();
  await next.renew();
  await assertTrue({ ...bench, index: next });
  const after = next.head("")!;
  assertEquals(after.digest, before.digest);
  assertNotEquals(after.epoch, before.epoch);
  assertEquals(bench.told.length, 1);
});

bench("gives up, and says so once, where it cannot keep anything", async (bench) => {
  const told: string[] = [];
  const index = new LiveIndex(bench.root, {
    dir: () => bench.at("a/below a file"),
    warn: (text) => told.push(text),
  });
  await index.renew();
  await index.renew();
  assertEquals([index.live, await index.refresh(), index.head("")], [false, false, null]);
  assertEquals(told.length, 1);
  index.close();
});

bench("remembers the hash of a file as long as it is the one that was read", async (bench) => {
  const { index, at } = bench;
  const sha256 = "cd".repeat(32);
  const began = Date.now() + 10_000;
  const old = Deno.lstatSync(at("a"));
  assertEquals(index.cachedHash("a", old), null);
  index.rememberHash("a", old, { sha256, began: Date.now() });
  assertEquals(index.cachedHash("a", old), null, "too new to be sure");
  index.rememberHash("a", old, { sha256, began });
  index.rememberHash("d/b", Deno.lstatSync(at("d/b")), { sha256, began });
  assertEquals([index.cachedHash("a", old), index.cachedHash("none", old)], [sha256, null]);
  const next = bench.restart();
  await next.renew();
  assertEquals([next.cachedHash("a", old), next.cachedHash("d/e/c", old)], [sha256, null]);
  // The same size and time, and yet another file.
  Deno.writeTextFileSync(at("t"), "b");
  Deno.utimeSync(at("t"), old.mtime!, old.mtime!);
  Deno.renameSync(at("t"), at("a"));
  const now = Deno.lstatSync(at("a"));
  assertEquals([now.size, now.mtime], [old.size, old.mtime]);
  assertEquals(next.cachedHash("a", now), null);
  await next.refresh();
  assertEquals(next.cachedHash("a", now), null);
  assertEquals(next.cachedHash("d/b", Deno.lstatSync(at("d/b"))), sha256);
});

bench("wakes those who wait for a change", async (bench) => {
  const waiting = bench.index.changed(10_000, undefined);
  Deno.writeTextFileSync(bench.at("late"), "x");
  await waiting;
  await assertTrue(bench);
  await bench.index.changed(1, undefined);
  const gone = bench.index.changed(10_000, Promise.resolve());
  await gone;
  assert(bench.index.patient);
  bench.index.hangUp();
  assert(!bench.index.patient);
});

bench("survives its folder", async (bench) => {
  Deno.renameSync(bench.root, `${bench.root}-away`);
  assertEquals(await bench.index.refresh(), false);
  Deno.renameSync(`${bench.root}-away`, bench.root);
  await bench.index.renew();
  await assertTrue(bench);
});
