/** Runs that know former runs: what is asked of the server, and that nothing that is remembered makes a wrong result. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { libc } from "../lib/store/libc.ts";
import { canWatch } from "../lib/store/index/watches.ts";
import { serve, type Server, type TempDir, tempDir, treeDigest } from "./harness.ts";
import { assertNothing, sync, type SyncRun } from "./sync_fixtures.ts";

const READY = libc() !== null && canWatch(Deno.env.get("TMPDIR") ?? "/tmp");

const TREE = { "a/f": "f", "a/g": "g", "a/in/h": "h", "b/x": "x", "b/y": "y", "c": "c" };

/** As the first argument of `run`: one without `--delete`. */
const PLAIN = "(without --delete)";

interface Place {
  dir: TempDir;
  server: Server;
  /** A run of `--delete` from the server, and the calls that it made of the API. */
  run(...more: string[]): Promise<SyncRun & { calls: string[] }>;
  /** The same as `run`, which leaves both sides equal. */
  good(...more: string[]): Promise<SyncRun & { calls: string[] }>;
  /** The server anew. */
  restart(between?: () => void): Promise<void>;
  /** Waits until the server knows its share. */
  ready(): Promise<void>;
}

function warm(name: string, act: (place: Place) => Promise<void>): void {
  Deno.test({
    name: `a run that knows the last one: ${name}`,
    ignore: !READY,
    fn: async () => {
      const tree = Object.fromEntries(Object.entries(TREE).map(([path, text]) => [`src/${path}`, text]));
      using dir = tempDir({ ...tree, "dst": null, "state": null, "home": null });
      const start = () => serve(dir.at("src"), ["--hidden", "--state-dir", dir.at("state")]);
      const place: Place = {
        dir,
        server: await start(),
        run: async (...more) => {
          const before = await logged(place.server);
          const env = { XDG_STATE_HOME: dir.at("home") };
          const flags = more[0] === PLAIN ? more.slice(1) : ["--delete", ...more];
          const run = await sync([...flags, place.server.url, dir.at("dst")], { env });
          const after = await logged(place.server);
          const calls = [
            ...place.server.log().slice(before, after).matchAll(/"(\w+ \/\.ferry\/v1\/[^ ?"]*)/g),
          ]
            .map(([, call]) => call.replace("/.ferry/v1/", "").replace(/^GET /, ""));
          return { ...run, calls };
        },
        good: async (...more) => {
          const run = await place.run(...more);
          assertEquals([run.code, run.problems], [0, []], run.stderr);
          const digest = (side: string) => treeDigest(dir.at(side), { dirTimes: true });
          assertEquals(await digest("dst"), await digest("src"));
          return run;
        },
        ready: async () => {
          for (let tries = 0; tries < 200; tries++) {
            const response = await fetch(`${place.server.url}/.ferry/v1/head?path=`);
            await response.body?.cancel();
            if (response.ok) return;
            await new Promise((resolve) => setTimeout(resolve, 25));
          }
          throw new Error(`no head: ${place.server.log()}`);
        },
        restart: async (between) => {
          assertEquals(await place.server.stop(), 0);
          between?.();
          place.server = await start();
        },
      };
      try {
        // The first one copies, the second one finds that there is nothing to do, and remembers that.
        await place.good();
        await place.ready();
        assertNothing(await place.good());
        await act(place);
      } finally {
        await place.server.stop();
      }
    },
  });
}

let marks = 0;

/** Where the log of the server has come to: what was answered before stands before that. */
async function logged(server: Server): Promise<number> {
  const mark = `/.ferry/health?mark=${++marks} `;
  await (await fetch(server.url + mark.trim())).body?.cancel();
  while (!server.log().includes(mark)) await new Promise((resolve) => setTimeout(resolve, 5));
  return server.log().indexOf(mark);
}

warm("with nothing to do it makes one call", async ({ good }) => {
  const run = await good();
  assertNothing(run);
  assertEquals(run.calls, ["changes"]);
  assertEquals([run.done.files, run.events[0].event], [6, "plan"]);
});

warm("it is told what changed, and no more", async ({ dir, good }) => {
  Deno.writeTextFileSync(dir.at("src/a/f"), "changed");
  Deno.writeTextFileSync(dir.at("src/b/new"), "of a size of its own");
  Deno.removeSync(dir.at("src/a/g"));
  Deno.chmodSync(dir.at("src/b"), 0o700);
  const run = await good();
  assertEquals(run.calls, ["changes", "info", "POST pack"]);
  assertEquals(run.changes.sort(), ["create b/new", "delete a/g", "update a/f", "update b"]);
  assertEquals(run.done.files, 6);
  const next = await good();
  assertNothing(next);
  assertEquals(next.calls, ["changes"]);
});

warm("folders that move, come, go and become something else", async ({ dir, good }) => {
  const at = (path: string) => dir.at(`src/${path}`);
  const steps: [string, () => void][] = [
    ["a rename", () => Deno.renameSync(at("a"), at("moved"))],
    ["and back", () => Deno.renameSync(at("moved"), at("a"))],
    ["into another", () => Deno.renameSync(at("a/in"), at("b/in"))],
    ["replaced by another", () => {
      Deno.renameSync(at("b"), at("b.old"));
      Deno.mkdirSync(at("b"));
      Deno.writeTextFileSync(at("b/x"), "another");
    }],
    ["a folder becomes a file", () => {
      Deno.removeSync(at("b.old"), { recursive: true });
      Deno.writeTextFileSync(at("b.old"), "a file");
    }],
    ["a file becomes a folder", () => {
      Deno.removeSync(at("c"));
      Deno.mkdirSync(at("c"));
      Deno.symlinkSync("../a", at("c/link"));
    }],
    ["swapped", () => {
      Deno.renameSync(at("a"), at("t"));
      Deno.renameSync(at("b"), at("a"));
      Deno.renameSync(at("t"), at("b"));
    }],
  ];
  for (const [what, step] of steps) {
    step();
    const { calls } = await good();
    assert(!calls.includes("tree"), `${what}: ${calls}`);
  }
  assertNothing(await good());
});

warm("a copy of what did not change moves no content", async ({ dir, good }) => {
  const big = "content that is large enough ".repeat(2000);
  Deno.writeTextFileSync(dir.at("src/a/big"), big);
  await good();
  Deno.copyFileSync(dir.at("src/a/big"), dir.at("src/b/copy"));
  const run = await good();
  assertEquals(run.calls, ["changes", "info", "POST hashes"]);
  assertEquals([run.changes, run.done.bytes_content], [["create b/copy"], 0]);
});

warm("the destination was changed by hand", async ({ dir, good }) => {
  const at = (path: string) => dir.at(`dst/${path}`);
  const steps: (() => void)[] = [
    () => Deno.removeSync(at("a/f")),
    () => Deno.writeTextFileSync(at("a/g"), "by hand"),
    () => Deno.utimeSync(at("b/x"), 1e9, 1e9),
    () => Deno.chmodSync(at("b"), 0o700),
    () => Deno.writeTextFileSync(at("extra"), "more"),
    () => Deno.renameSync(at("a"), at("z")),
  ];
  for (const step of steps) {
    step();
    assert((await good()).changes.length > 0 || step.toString().includes("utime"));
    // Both sides at once.
    step();
    Deno.writeTextFileSync(dir.at("src/c"), crypto.randomUUID());
    await good();
  }
});

warm("the server was started anew", async ({ dir, good, restart, ready }) => {
  await restart(() => Deno.writeTextFileSync(dir.at("src/a/f"), "while it was away"));
  // It does not know its share yet.
  assertEquals((await good()).changes, ["update a/f"]);
  await ready();
  Deno.writeTextFileSync(dir.at("src/a/g"), "later");
  assertEquals((await good()).changes, ["update a/g"]);
});

warm("the server's index was lost", async ({ dir, good, restart, ready }) => {
  await restart(() => {
    Deno.removeSync(dir.at("state"), { recursive: true });
    Deno.removeSync(dir.at("src/a/g"));
  });
  await ready();
  // Another epoch: the tree is read.
  const run = await good();
  assertEquals(run.changes, ["delete a/g"]);
  assert(run.calls.includes("tree"));
  Deno.writeTextFileSync(dir.at("src/a/f"), "later");
  assert(!(await good()).calls.includes("tree"));
});

warm("the source was restored from a backup, its index too", async (place) => {
  const { dir, good, restart, ready } = place;
  const shell = (script: string) => {
    const { success } = new Deno.Command("sh", { args: ["-ec", script], cwd: dir.path }).outputSync();
    assert(success);
  };
  await restart(() => shell("cp -a src backup; cp -a state state.backup"));
  await ready();
  Deno.writeTextFileSync(dir.at("src/a/f"), "after the backup");
  Deno.writeTextFileSync(dir.at("src/b/new"), "new");
  await good();
  await good();
  await restart(() => {
    // The same folder again, so that it is the same share.
    shell("rm -rf src/* state; cp -a backup/. src; cp -a state.backup state");
    // And it counts on from there, past the number that was seen, with other changes.
    for (let i = 0; i < 20; i++) Deno.writeTextFileSync(dir.at(`src/c${i}`), "c");
  });
  await ready();
  await good();
  assertEquals(Deno.readTextFileSync(dir.at("dst/a/f")), "f");
  Deno.writeTextFileSync(dir.at("src/a/f"), "once more");
  await good();
});

warm("what it remembers is damaged", async ({ dir, run, good }) => {
  const folder = dir.at("home/ferry/runs");
  const [file] = [...Deno.readDirSync(folder)].map(({ name }) => `${folder}/${name}`);
  const text = Deno.readTextFileSync(file);
  for (const damaged of [text.replace(/"seq":(\d)/, '"seq":9$1'), text.slice(0, -5), "", "{}"]) {
    Deno.writeTextFileSync(file, damaged);
    Deno.writeTextFileSync(dir.at("src/a/f"), crypto.randomUUID());
    const first = await run();
    assertEquals([first.code, first.changes], [0, ["update a/f"]]);
    assertEquals(first.stderr.trim().split("\n").length, 1);
    assertMatch(first.stderr, /^ferry: what was remembered of former runs is damaged \(.*\)/);
    assertEquals((await good()).stderr, "");
  }
});

warm("--checksum, filters and a dry run look at all that they did before", async ({ dir, run, good }) => {
  // The same size and time, another content: nothing that a head tells of.
  const { mtime } = Deno.statSync(dir.at("dst/a/f"));
  Deno.writeTextFileSync(dir.at("dst/a/f"), "F");
  Deno.utimeSync(dir.at("dst/a/f"), mtime!, mtime!);
  assertNothing(await run());
  assertEquals((await good("--checksum")).changes, ["update a/f"]);
  Deno.writeTextFileSync(dir.at("src/a/g"), "changed");
  Deno.writeTextFileSync(dir.at("src/b/x"), "changed too");
  assertEquals((await run("--dry-run")).changes.sort(), ["update a/g", "update b/x"]);
  assertEquals((await run("--exclude", "x")).changes, ["update a/g"]);
  assertEquals((await good()).changes, ["update b/x"]);
  // A filter file in the source makes a run one about less than the tree.
  Deno.writeTextFileSync(dir.at("src/.ferryignore"), "y\n");
  Deno.writeTextFileSync(dir.at("src/b/y"), "hidden");
  assertEquals((await run()).changes, ["create .ferryignore"]);
  assertEquals(Deno.readTextFileSync(dir.at("dst/b/y")), "y");
});

warm("without --delete it leaves what only the destination has, and reads no tree for it", async (place) => {
  const { dir } = place;
  const at = (path: string) => dir.at(`src/${path}`);
  const once = () => place.run(PLAIN);
  Deno.mkdirSync(dir.at("dst/a/extra"));
  for (const path of ["extra", "a/extra/in", "b/.x"]) Deno.writeTextFileSync(dir.at(`dst/${path}`), path);
  // It looks at all of it once.
  const first = await once();
  assertNothing(first);
  assert(first.calls.includes("tree"));
  assertEquals((await once()).calls, ["changes"]);
  for (const [round, gone] of ["a/g", "b", "c"].entries()) {
    Deno.writeTextFileSync(at("a/f"), "of another size".repeat(round + 1));
    Deno.removeSync(at(gone), { recursive: true });
    const run = await once();
    assertEquals([run.code, run.changes], [0, ["update a/f"]]);
    assertEquals(run.calls, ["changes", "info", "POST pack"]);
    assertEquals((await once()).calls, ["changes"]);
  }
  const kept = ["extra", "a/extra/in", "b/.x", "a/g", "b/x", "b/y", "c"];
  for (const path of kept) assert(Deno.statSync(dir.at(`dst/${path}`)).isFile, path);

  // What comes where the destination has something of its own is seen.
  Deno.writeTextFileSync(at("extra"), "the source has one now");
  Deno.mkdirSync(at("b"));
  Deno.writeTextFileSync(at("b/x"), "again");
  const met = await once();
  assertEquals([met.code, met.changes.sort()], [0, ["update b/x", "update extra"]]);
  assertEquals((await once()).calls, ["changes"]);
  // Something that only the destination has is changed, comes, and goes.
  const steps: (() => void)[] = [
    () => Deno.writeTextFileSync(dir.at("dst/a/extra/in"), "changed"),
    () => Deno.writeTextFileSync(dir.at("dst/a/more"), "more"),
    () => Deno.removeSync(dir.at("dst/a/extra"), { recursive: true }),
    () => Deno.removeSync(dir.at("dst/a/in"), { recursive: true }),
  ];
  for (const step of steps) {
    step();
    Deno.writeTextFileSync(at("a/f"), crypto.randomUUID());
    const run = await once();
    assertEquals([run.code, run.changes.includes("update a/f")], [0, true]);
    assertEquals(Deno.readTextFileSync(dir.at("dst/a/in/h")), "h");
  }
  // With --delete it is a difference.
  assert((await place.good("--force")).changes.includes("delete c"));
  assertEquals((await place.good()).calls, ["changes"]);
});

/** In front of the server: what it tells of changes goes through `twist`. */
function liar(server: Server, twist: (answer: string, url: URL) => string) {
  const proxy = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const url = new URL(request.url);
    const target = server.url + url.pathname + url.search;
    const { method, headers } = request;
    const body = request.body === null ? null : await request.arrayBuffer();
    const answer = await fetch(target, { method, headers, body });
    if (!url.pathname.endsWith("/changes")) return answer;
    return new Response(twist(await answer.text(), url), answer);
  });
  return { url: `http://127.0.0.1:${proxy.addr.port}`, [Symbol.asyncDispose]: () => proxy.shutdown() };
}

const without = (text: string) => (answer: string) =>
  answer.split("\n").filter((line) => !line.includes(text)).join("\n");

warm("a server that tells other changes than there were is asked for the whole tree", async (place) => {
  const { dir, server } = place;
  const env = { XDG_STATE_HOME: dir.at("home") };
  const twists = [
    without('"path":"a/f"'),
    without('"gone"'),
    (answer: string) => answer.replaceAll('"path":"b/new"', '"path":"c/new"'),
    (answer: string) => answer.replaceAll('"path":"b/new"', '"path":"none/new"'),
    (answer: string, url: URL) => {
      const since = Number(url.searchParams.get("since"));
      const gone = (_: unknown, at: number) => `{"seq":${since + at + 1},"path":"p${at}","gone":true}\n`;
      return answer.split("\n")[0] + "\n" + Array.from({ length: 10_000 }, gone).join("") +
        `{"end":${since + 10_000},"more":true}\n`;
    },
  ];
  let twist = (answer: string, _url: URL) => answer;
  await using proxy = liar(server, (answer, url) => twist(answer, url));
  const sync2 = () => sync(["--delete", proxy.url, dir.at("dst")], { env });
  for (const [round, next] of twists.entries()) {
    twist = (answer) => answer;
    for (let i = 0; i < 2; i++) assertEquals((await sync2()).code, 0);
    Deno.writeTextFileSync(dir.at("src/a/f"), `round ${round}`);
    Deno.removeSync(dir.at(`src/${["a/g", "b/x", "b/y", "c", "a/in/h"][round]}`));
    Deno.writeTextFileSync(dir.at("src/b/new"), `new ${round}`);
    twist = next;
    assertEquals((await sync2()).code, 0, `${round}`);
    const digest = (side: string) => treeDigest(dir.at(side), { dirTimes: true });
    assertEquals(await digest("dst"), await digest("src"), `${round}`);
  }
  // What breaks the rules ends the run before anything is changed.
  const before = await treeDigest(dir.at("dst"));
  Deno.writeTextFileSync(dir.at("src/a/f"), "last");
  twist = (answer) => answer.replace('"path":"a/f"', '"path":"../f"');
  const run = await sync2();
  assertEquals(run.code, 22);
  assertMatch(run.stderr, /malformed list of changes: a path that is none/);
  assertEquals(await treeDigest(dir.at("dst")), before);
});
