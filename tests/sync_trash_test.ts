import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ferry, serve, tempDir, treeDigest } from "./harness.ts";
import { assertNothing, mountTmpfs, paths, sync } from "./sync_fixtures.ts";

const DAY = 24 * 60 * 60 * 1000;

/** A source, and a destination that has other versions of some of it and more. */
function sides() {
  const dir = tempDir({
    "src/a/changed": "new content",
    "src/a/same": "same",
    "src/link becomes file": "now a file",
    "src/file becomes folder/f": "in it",
    "dst/a/changed": "old",
    "dst/a/same": "same",
    "dst/file becomes folder": "was a file",
    "dst/gone/deep/f": "only here",
    "dst/gone/empty": null,
  });
  Deno.symlinkSync("nowhere", dir.at("dst/link becomes file"));
  Deno.symlinkSync("other", dir.at("dst/gone/link"));
  Deno.chmodSync(dir.at("dst/a/changed"), 0o640);
  Deno.utimeSync(dir.at("dst/a/changed"), 1, new Date(1_500_000_000_123));
  Deno.utimeSync(dir.at("dst/a/same"), 1, new Date(1_500_000_000_000));
  Deno.utimeSync(dir.at("src/a/same"), 1, new Date(1_500_000_000_000));
  Deno.utimeSync(dir.at("dst/gone/deep"), 1, new Date(1_400_000_000_000));
  return dir;
}

const FLAGS = ["--delete", "--max-delete=100%"];

/** The folder of the only run in the trash `dir`. */
function only(dir: string): string {
  const times = [...Deno.readDirSync(dir)].filter((entry) => entry.isDirectory);
  assertEquals(times.length, 1);
  assertMatch(times[0].name, /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z$/);
  return `${dir}/${times[0].name}`;
}

/** All that `sides` loses by a run, in the trash folder `kept`. */
function assertKept(kept: string): void {
  assertEquals(paths(kept), [
    "a",
    "a/changed",
    "file becomes folder",
    "gone",
    "gone/deep",
    "gone/deep/f",
    "gone/empty",
    "gone/link",
    "link becomes file",
  ]);
  assertEquals(Deno.readTextFileSync(`${kept}/a/changed`), "old");
  const { mode, mtime } = Deno.statSync(`${kept}/a/changed`);
  assertEquals([(mode ?? 0) & 0o777, mtime?.getTime()], [0o640, 1_500_000_000_123]);
  assertEquals(Deno.readTextFileSync(`${kept}/file becomes folder`), "was a file");
  assertEquals(Deno.readTextFileSync(`${kept}/gone/deep/f`), "only here");
  assertEquals(Deno.statSync(`${kept}/gone/deep`).mtime?.getTime(), 1_400_000_000_000);
  assertEquals(Deno.readLinkSync(`${kept}/link becomes file`), "nowhere");
  assertEquals(Deno.readLinkSync(`${kept}/gone/link`), "other");
}

Deno.test("sync keeps what it replaces and deletes in the trash of the destination", async () => {
  for (const way of ["folder", "server", "two servers", "job"]) {
    using dir = sides();
    await using source = await serve(dir.at("src"));
    await using share = await serve(dir.at(""), [
      "--anonymous",
      "rwds",
      ...(way === "job" ? ["--peer", source.url] : []),
    ]);
    const from = way === "two servers" || way === "job" ? source.url : dir.at("src");
    const to = way === "folder" ? dir.at("dst") : `${share.url}/dst`;
    const run = await sync([...FLAGS, from, to]);
    assertEquals([run.code, run.problems], [0, []], run.stderr);
    assertEquals(await treeDigest(dir.at("dst")), await treeDigest(dir.at("src")));
    if (way === "folder") assertKept(only(dir.at("dst/.ferry/trash")));
    else assertKept(only(dir.at(".ferry/trash")) + "/dst");
    // Nobody is served or replicated what is in it.
    assertNothing(await sync([...FLAGS, from, to]));
    assertEquals((await fetch(`${share.url}/.ferry/trash/`)).status, 404);
    assertEquals((await fetch(`${share.url}/dst/.ferry/trash/`)).status, 404);
  }
});

Deno.test("sync --trash none keeps nothing, also of a server", async () => {
  using dir = sides();
  await using share = await serve(dir.at("dst"), ["--writable"]);
  const first = await sync([...FLAGS, "--trash", "none", dir.at("src"), share.url]);
  assertEquals(first.code, 0, first.stderr);
  Deno.writeTextFileSync(dir.at("src/a/changed"), "newer content");
  assertEquals((await sync([...FLAGS, "--trash", "none", dir.at("src"), dir.at("dst")])).code, 0);
  assertEquals(paths(dir.at("dst")).filter((path) => path.includes("trash")), []);
  assertEquals(Deno.readTextFileSync(dir.at("dst/a/changed")), "newer content");
});

Deno.test("sync --trash DIR keeps it there, on the same file system or another", async () => {
  for (const mounted of [false, true]) {
    using dir = sides();
    Deno.mkdirSync(dir.at("mnt"));
    using mount = mounted ? mountTmpfs(dir.at("mnt"), "size=8m,mode=755") : null;
    if (mounted && mount === null) continue;
    const run = await sync([...FLAGS, "--trash", dir.at("mnt/old versions"), dir.at("src"), dir.at("dst")]);
    assertEquals([run.code, run.problems], [0, []], run.stderr);
    assertEquals(await treeDigest(dir.at("dst")), await treeDigest(dir.at("src")));
    assertKept(only(dir.at("mnt/old versions")));
    assertEquals(paths(dir.at("dst")).filter((path) => path.includes("trash")), []);
  }
});

Deno.test("sync refuses a --trash that cannot be one, before anything is changed", async () => {
  using dir = sides();
  await using share = await serve(dir.at("dst"), ["--writable"]);
  const before = await treeDigest(dir.path, { dirTimes: true });
  const local = [dir.at("src"), dir.at("dst")];
  const cases: [string, string[], string][] = [
    [dir.at("dst/trash"), local, "in DST or around it"],
    [dir.at("dst/.ferry/trash"), local, "in DST or around it"],
    [dir.path, local, "in DST or around it"],
    [dir.at("src/trash"), local, "in SRC"],
    [dir.at("src/a/same"), local, "in SRC"],
    [dir.at("trash"), [dir.at("src"), share.url], "only none is possible"],
    ["http://127.0.0.1:1/trash", local, "a folder of this machine"],
    ["", local, "a folder of this machine"],
  ];
  for (const [trash, places, message] of cases) {
    const run = await ferry(["sync", ...FLAGS, "--trash", trash, ...places]);
    assertEquals([run.code, run.stdout], [2, ""], `${trash}: ${run.stderr}`);
    assertStringIncludes(run.stderr, "--trash");
    assertStringIncludes(run.stderr, message);
  }
  Deno.writeTextFileSync(dir.at("file"), "");
  const run = await ferry(["sync", ...FLAGS, "--trash", dir.at("file"), ...local]);
  assertEquals(run.code, 2);
  Deno.removeSync(dir.at("file"));
  assertEquals(await treeDigest(dir.path), before.replaceAll(/( dir \d+) \d+/g, "$1"));
});

Deno.test("sync gives up what has been in the trash for a week, and so does a server", async () => {
  using dir = sides();
  const name = (days: number) => new Date(Date.now() - days * DAY).toISOString().replaceAll(":", "-");
  const make = (days: number) => {
    const path = dir.at(`dst/.ferry/trash/${name(days)}/x`);
    Deno.mkdirSync(path, { recursive: true });
    Deno.writeTextFileSync(`${path}/f`, "x");
  };
  make(8);
  make(6);
  assertEquals((await sync([...FLAGS, dir.at("src"), dir.at("dst")])).code, 0);
  const left = () =>
    [...Deno.readDirSync(dir.at("dst/.ferry/trash"))].filter((entry) => entry.isDirectory).length;
  assertEquals(left(), 2);
  make(8);
  await using share = await serve(dir.at("dst"), ["--writable"]);
  assertEquals(left(), 2);
  await share.stop();
  make(8);
  await using reading = await serve(dir.at("dst"));
  assertEquals(left(), 3);
  assert(reading.port > 0);
});

Deno.test("sync says which old versions are too large for the trash, on stderr or in the server's log", async () => {
  for (const way of ["folder", "server", "job"]) {
    using dir = tempDir({ "src/large": "new", "src/small": "new", "mnt": null });
    using mount = mountTmpfs(dir.at("mnt"), "size=6m,mode=755");
    if (mount === null) return;
    const fill = () => {
      Deno.mkdirSync(dir.at("mnt/dst"), { recursive: true });
      Deno.writeFileSync(dir.at("mnt/dst/large"), new Uint8Array(3_000_000));
      Deno.writeTextFileSync(dir.at("mnt/dst/small"), "older");
    };
    fill();
    await using source = await serve(dir.at("src"));
    await using share = await serve(dir.at("mnt"), ["--anonymous", "rwds", "--peer", source.url]);
    const from = way === "job" ? source.url : dir.at("src");
    const to = way === "folder" ? dir.at("mnt/dst") : `${share.url}/dst`;
    const run = await sync([from, to]);
    assertEquals([run.code, run.problems, run.done.updated], [0, [], 2]);
    // Its log is whole when it has ended.
    if (way !== "folder") await share.stop();
    const [path, log] = way === "folder" ? ["large", run.stderr] : ["dst/large", share.log()];
    const told =
      /^ferry: ([a-z/]*): its old version \(3 MB\) is not kept in the trash: .* [\d.]+ kB, a tenth/gm;
    assertEquals([way, [...log.matchAll(told)].map((match) => match[1])], [way, [path]], log);
    assertEquals(way === "folder" || run.stderr === "", true, run.stderr);
    if (way !== "folder") continue;
    fill();
    assertEquals((await sync(["-q", from, to])).stderr, "");
  }
});

Deno.test("sync gives the trash up when the disk is full, and comes to its end", async () => {
  for (const [label, files] of Object.entries(TOO_MUCH)) {
    for (const remote of [false, true]) {
      using dir = tempDir({ "mnt": null });
      for (const [path, bytes] of Object.entries(files)) {
        Deno.mkdirSync(dir.at(`src/${path}`).replace(/\/[^/]*$/, ""), { recursive: true });
        Deno.writeFileSync(dir.at(`src/${path}`), bytes);
      }
      using mount = mountTmpfs(dir.at("mnt"), "size=6m,mode=755");
      if (mount === null) return;
      Deno.mkdirSync(dir.at("mnt/dst"));
      Deno.writeTextFileSync(dir.at("mnt/dst/old"), "old");
      // Of another run, as large as a trash gets while there is room.
      const state = dir.at(
        `mnt/${remote ? "" : "dst/"}.ferry/trash/${new Date().toISOString().replaceAll(":", "-")}`,
      );
      Deno.mkdirSync(state, { recursive: true });
      Deno.writeFileSync(`${state}/f`, new Uint8Array(3_000_000));
      Deno.writeTextFileSync(`${state}.size`, "1\n");
      await using share = remote ? await serve(dir.at("mnt"), ["--writable"]) : null;
      const run = await sync([...FLAGS, dir.at("src"), remote ? `${share!.url}/dst` : dir.at("mnt/dst")]);
      assertEquals([run.code, run.problems], [0, []], `${label}: ${run.stderr}`);
      assertEquals(await treeDigest(dir.at("mnt/dst")), await treeDigest(dir.at("src")));
    }
  }
});

/** Sources that fit into 6 MB, but not together with 3 MB more. */
const TOO_MUCH: Record<string, Record<string, Uint8Array>> = {
  "one large file": { "large": new Uint8Array(4_500_000).fill(1) },
  "many small files": Object.fromEntries(
    Array.from({ length: 45 }, (_, i) => [`d${i % 7}/f${i}`, new Uint8Array(100_000).fill(i)]),
  ),
};
