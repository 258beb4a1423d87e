import { assert, assertEquals, assertMatch } from "@std/assert";
import { ferry, serve, type TempDir, tempDir, treeDigest } from "./harness.ts";
import { assertNothing, paths, sync, type SyncRun } from "./sync_fixtures.ts";

const LARGE = 3_000_000;

/** Random bytes, so that nothing is like anything else. */
function random(size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  return bytes;
}

function sh(dir: TempDir, script: string): void {
  const { success, stderr } = new Deno.Command("sh", { args: ["-ec", script], cwd: dir.at("src") })
    .outputSync();
  assert(success, new TextDecoder().decode(stderr));
}

/** The three ways that a run can go, each between `src` and `dst`. */
const WAYS = ["folder to folder", "pull", "push"] as const;

/** Both sides with the same tree, a way between them, and a run along it. */
async function replica(way: typeof WAYS[number], tree: Record<string, string | Uint8Array | null>) {
  const dir = tempDir(Object.fromEntries(Object.entries(tree).map(([path, what]) => [`src/${path}`, what])));
  const server = way === "pull"
    ? await serve(dir.at("src"))
    : way === "push"
    ? (Deno.mkdirSync(dir.at("dst")), await serve(dir.at("dst"), ["--writable"]))
    : null;
  const ends = [way === "pull" ? server!.url : dir.at("src"), way === "push" ? server!.url : dir.at("dst")];
  const run = (...args: string[]): Promise<SyncRun> => sync([...args, ...ends]);
  const first = await run();
  assertEquals([first.code, first.problems], [0, []], first.stderr);
  return {
    dir,
    run,
    /** Asserts that the sides are equal and that there is nothing left to do. */
    async settled() {
      const [left, right] = [
        await treeDigest(dir.at("src"), { dirTimes: true }),
        await treeDigest(dir.at("dst"), { dirTimes: true }),
      ];
      assertEquals(right, left);
      assertNothing(await run("--delete"));
    },
    async [Symbol.asyncDispose]() {
      await server?.stop();
      dir[Symbol.dispose]();
    },
  };
}

const TREE = {
  "old/a": "content of a",
  "old/deep/b": "content of b!",
  "old/deep/empty": null,
  "old/large": random(LARGE),
  "other/c": "and c",
  "rest": "rest",
};

for (const way of WAYS) {
  Deno.test(`sync, ${way}: a renamed folder moves as a whole with --delete`, async () => {
    await using replicas = await replica(way, TREE);
    sh(replicas.dir, "ln -s a old/link; chmod 555 old/deep");
    await replicas.run();
    sh(replicas.dir, "mv old new");
    const run = await replicas.run("--delete");
    assertEquals([run.code, run.problems], [0, []], run.stderr);
    assertEquals(run.plan, { event: "plan", create: 0, update: 0, delete: 0, move: 7, bytes: 0 });
    const names = ["new", "new/a", "new/deep", "new/deep/b", "new/deep/empty", "new/large", "new/link"];
    assertEquals([...run.changes].sort(), names.map((name) => `move ${name}`));
    for (const event of run.events.filter(({ event }) => event === "change")) {
      assertEquals([event.from, event.bytes], [String(event.path).replace("new", "old"), 0]);
    }
    const { moved, created, deleted, bytes_content, bytes_sent, bytes_received } = run.done;
    assertEquals([moved, created, deleted, bytes_content], [7, 0, 0, 0]);
    assert(Number(bytes_sent) + Number(bytes_received) < 4000);
    await replicas.settled();
  });

  Deno.test(`sync, ${way}: renamed without --delete, the destination copies what it has`, async () => {
    await using replicas = await replica(way, TREE);
    sh(replicas.dir, "mv old new");
    const run = await replicas.run();
    assertEquals([run.code, run.problems], [0, []], run.stderr);
    const froms = run.events.filter(({ op }) => op === "create").map(({ path, from, bytes }) =>
      `${path} < ${from} ${bytes}`
    );
    assertEquals(froms.sort(), [
      "new < undefined 0",
      "new/a < old/a 0",
      "new/deep < undefined 0",
      "new/deep/b < old/deep/b 0",
      "new/deep/empty < undefined 0",
      "new/large < old/large 0",
    ]);
    const { bytes_content, bytes_sent, bytes_received, moved } = run.done;
    assertEquals([bytes_content, moved], [0, 0]);
    assert(Number(bytes_sent) + Number(bytes_received) < 6000);
    sh(replicas.dir, "cp -a new old");
    await replicas.settled();
  });

  Deno.test(`sync, ${way}: swaps, chains, copies, edits and touches at once`, async () => {
    await using replicas = await replica(way, {
      ...TREE,
      "log": "newest entries",
      "log.1": "those of yesterday",
      "log.2": "older ones",
      "left": random(100_000),
      "right": random(100_001),
      "becomes/dir": random(50_000),
      "touched": "as it was",
    });
    sh(
      replicas.dir,
      `mv log.2 log.3; mv log.1 log.2; mv log log.1; echo fresh > log
       mv left t; mv right left; mv t right
       mv becomes/dir t; rmdir becomes; mv t becomes
       cp -r old copy; mv old/large deep; rmdir old/deep/empty
       echo changed >> old/deep/b; mv old new; touch -d 2001-01-01 touched
       mkdir rest.d; mv rest rest.d/rest`,
    );
    const dry = await replicas.run("--delete", "-n");
    const run = await replicas.run("--delete");
    assertEquals([run.code, run.problems], [0, []], run.stderr);
    // Only the new log and the edited file.
    assertEquals(run.done.bytes_content, "fresh\n".length + "content of b!changed\n".length);
    const events = ({ events }: SyncRun) =>
      events.filter(({ event }) => event !== "done").map((event) => JSON.stringify(event)).sort();
    assertEquals(events(dry), events(run));
    await replicas.settled();
  });
}

Deno.test("sync takes nothing for moved by its size, time and name alone", async () => {
  await using replicas = await replica("pull", { "old/f": "one content", "old/g": "g" });
  sh(replicas.dir, "mv old new; printf 'two content' > new/f; touch -r new/g new/f");
  const time = new Date(Deno.statSync(replicas.dir.at("dst/old/f")).mtime!);
  Deno.utimeSync(replicas.dir.at("src/new/f"), time, time);
  const run = await replicas.run("--delete", "--force");
  assertEquals([run.code, run.done.bytes_content, run.done.moved], [0, 11, 1]);
  assertEquals(Deno.readTextFileSync(replicas.dir.at("dst/new/f")), "two content");
  await replicas.settled();
});

Deno.test("sync prints a move as an arrow, and counts it in the summary", async () => {
  await using replicas = await replica("folder to folder", { "a b": "x", "c/d": "dd" });
  sh(replicas.dir, "mv c e; cp e/d d2");
  Deno.renameSync(replicas.dir.at("src/a b"), replicas.dir.at("src/new\nline"));
  const { code, stdout } = await ferry(["sync", "--delete", replicas.dir.at("src"), replicas.dir.at("dst")]);
  const lines = stdout.trimEnd().split("\n");
  assertEquals(code, 0);
  assertMatch(lines.pop()!, /^1 created, 0 updated, 0 deleted, 3 moved; 0 B of content, /);
  assertEquals(lines.sort(), ["+ d2", "> a b -> new\\nline", "> c -> e", "> c/d -> e/d"]);
  await replicas.settled();
});

Deno.test("sync does not count what moved away as deleted: --max-delete 0 lets it go", async () => {
  await using replicas = await replica("push", TREE);
  sh(replicas.dir, "mv old new");
  const run = await replicas.run("--delete", "--max-delete", "0");
  assertEquals([run.code, run.done.moved], [0, 6], run.stderr);
  sh(replicas.dir, "rm -r other");
  assertEquals((await replicas.run("--delete", "--max-delete", "0")).code, 41);
});

Deno.test("sync leaves a file alone that it did not know of, in a folder that was renamed", async () => {
  await using replicas = await replica("folder to folder", TREE);
  sh(replicas.dir, "mv old new; mkfifo ../dst/old/deep/pipe");
  const run = await replicas.run("--delete");
  // The pipe is a problem of the destination; the files come to their new names all the same.
  assertEquals(run.code, 1);
  assertEquals(run.problems, ["unsupported_kind old/deep/pipe"]);
  assertEquals(run.done.bytes_content, 0);
  assertEquals(paths(replicas.dir.at("dst")).filter((path) => !path.startsWith("o")), [
    "new",
    "new/a",
    "new/deep",
    "new/deep/b",
    "new/deep/empty",
    "new/large",
    "rest",
  ]);
  assert(Deno.lstatSync(replicas.dir.at("dst/old/deep/pipe")).isFifo);
});

Deno.test("sync moves nothing that a filter hides: it stays where it is", async () => {
  await using replicas = await replica("push", TREE);
  Deno.writeTextFileSync(replicas.dir.at("dst/old/deep/own.log"), "own");
  sh(replicas.dir, "mv old new");
  const run = await replicas.run("--delete", "--force", "--exclude", "*.log");
  assertEquals([run.code, run.problems, run.done.bytes_content], [0, [], 0], run.stderr);
  const left = paths(replicas.dir.at("dst")).filter((path) => path.startsWith("old"));
  assertEquals(left, ["old", "old/deep", "old/deep/own.log"]);
  assertEquals(Deno.readTextFileSync(replicas.dir.at("dst/new/deep/b")), TREE["old/deep/b"]);
});

Deno.test("sync to a user who may not delete there copies, and moves nothing", async () => {
  using dir = tempDir({ "src/old": "content", "dst": null });
  await using server = await serve(dir.at("dst"), ["--auth", "ann:geheim@/:rw"]);
  const to = server.url.replace("//", "//ann:geheim@");
  assertEquals((await sync([dir.at("src"), to])).code, 0);
  Deno.renameSync(dir.at("src/old"), dir.at("src/new"));
  const refused = await sync(["--delete", dir.at("src"), to]);
  assertEquals([refused.code, refused.changes], [67, []]);
  const run = await sync([dir.at("src"), to]);
  assertEquals([run.code, run.changes, run.done.bytes_content], [0, ["create new"], 0]);
  assertEquals(paths(dir.at("dst")), ["new", "old"]);
});

Deno.test("sync moves nothing out of where a user may not delete, though it lies below where it pushes to", async () => {
  using dir = tempDir({ "src/safe/old": "content", "src/f": "f", "dst": null });
  await using server = await serve(dir.at("dst"), ["--auth", "ann:geheim@/:rwd,/safe:rw"]);
  const to = server.url.replace("//", "//ann:geheim@");
  assertEquals((await sync([dir.at("src"), to])).code, 0);
  Deno.renameSync(dir.at("src/safe"), dir.at("src/new"));
  const run = await sync(["--delete", "--force", dir.at("src"), to]);
  assertEquals([run.code, run.problems.sort()], [1, ["forbidden safe", "forbidden safe/old"]]);
  assertEquals(paths(dir.at("dst")), ["f", "new", "new/old", "safe", "safe/old"]);
});

Deno.test("sync spends at most 300 bytes a file on a folder that was renamed, whatever changed with it", async () => {
  const files = 1000;
  const names = Array.from({ length: files }, (_, n) => `old/part ${n % 10}/file number ${n}.txt`);
  for (const way of ["pull", "push"] as const) {
    await using replicas = await replica(
      way,
      Object.fromEntries(names.map((name, n) => [name, `${n} `.repeat(200)])),
    );
    const spent = ({ done }: SyncRun) => [
      done.bytes_content,
      (Number(done.bytes_sent) + Number(done.bytes_received)) / files <= 300,
    ];
    sh(replicas.dir, "mv old new");
    const moved = await replicas.run("--delete");
    assertEquals([moved.done.moved, ...spent(moved)], [files + 11, 0, true]);
    // One copy is what the old folder was, but for its times; the other has new files all over it.
    sh(
      replicas.dir,
      "cp -r new copy; for n in 0 1 2 3 4 5 6 7 8 9; do echo . > new/part\\ $n/x; done; mv new newer",
    );
    const copied = await replicas.run("--delete");
    assertEquals([copied.done.moved, ...spent(copied)], [files + 11, 20, true]);
    assertEquals(copied.done.created, files + 11 + 10);
    await replicas.settled();
  }
});
