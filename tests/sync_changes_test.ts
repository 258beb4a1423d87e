import { assert, assertEquals, assertMatch } from "@std/assert";
import { ferry, ferryCommand, serve, tempDir, treeDigest } from "./harness.ts";
import { assertNothing, paths, sync } from "./sync_fixtures.ts";

const EXTRAS = { "dst/extra": "e", "dst/extra dir/a/b": "b", "dst/sub/extra": "x" };

/** Both sides as they are after a first run, then changed at the source. */
function changed() {
  const dir = tempDir({
    "src/same": "same",
    "src/grown": "longer now",
    "src/touched": "touched",
    "src/mode": "mode",
    "src/sub/new": "new",
    "src/new dir/deep/f": "f",
    "src/new empty": null,
    "dst/same": "same",
    "dst/grown": "short",
    "dst/touched": "touched",
    "dst/mode": "mode",
    ...EXTRAS,
  });
  for (const name of ["same", "grown", "touched", "mode"]) {
    for (const side of ["src", "dst"]) {
      const time = new Date(1_600_000_000_000 + (side === "src" && name === "touched" ? 5 : 0));
      Deno.utimeSync(dir.at(`${side}/${name}`), time, time);
      Deno.chmodSync(dir.at(`${side}/${name}`), 0o644);
    }
  }
  Deno.chmodSync(dir.at("src/mode"), 0o600);
  Deno.symlinkSync("same", dir.at("src/link"));
  Deno.symlinkSync("old", dir.at("dst/link"));
  for (const path of ["src/sub", "dst/sub"]) Deno.chmodSync(dir.at(path), 0o755);
  return dir;
}

const CREATED = [
  "create new dir",
  "create new dir/deep",
  "create new dir/deep/f",
  "create new empty",
  "create sub/new",
];
const UPDATED = ["update grown", "update link", "update mode", "update touched"];
const DELETED = [
  "delete extra",
  "delete extra dir",
  "delete extra dir/a",
  "delete extra dir/a/b",
  "delete sub/extra",
];

Deno.test("sync creates and updates, and leaves extras alone without --delete", async () => {
  using dir = changed();
  const run = await sync([dir.at("src"), dir.at("dst")]);
  assertEquals([run.code, run.changes.sort(), run.problems], [0, [...CREATED, ...UPDATED], []]);
  for (const [path, text] of Object.entries(EXTRAS)) assertEquals(Deno.readTextFileSync(dir.at(path)), text);
  assertEquals(Deno.readTextFileSync(dir.at("dst/grown")), "longer now");
  assertEquals(Deno.statSync(dir.at("dst/mode")).mode! & 0o777, 0o600);
  assertNothing(await sync([dir.at("src"), dir.at("dst")]));
});

Deno.test("sync --delete makes the two sides equal, over the wire too", async () => {
  for (const remote of [false, true]) {
    using dir = changed();
    await using server = remote ? await serve(dir.at("dst"), ["--writable"]) : null;
    const to = server?.url ?? dir.at("dst");
    const run = await sync([dir.at("src"), to, "--delete"]);
    assertEquals([run.code, run.changes.sort(), run.problems], [0, [...CREATED, ...DELETED, ...UPDATED], []]);
    assertEquals(
      await treeDigest(dir.at("dst"), { dirTimes: true }),
      await treeDigest(dir.at("src"), { dirTimes: true }),
    );
    assertNothing(await sync([dir.at("src"), to, "--delete"]));
  }
});

Deno.test("sync --dry-run prints the very lines of the run, and changes nothing", async () => {
  using dir = changed();
  const [from, to] = [dir.at("src"), dir.at("dst")];
  const before = await treeDigest(to, { dirTimes: true });
  const dry = await ferry(["sync", "--dry-run", "--delete", from, to]);
  const dryJson = await sync(["-n", "--delete", from, to]);
  assertEquals(await treeDigest(to, { dirTimes: true }), before);
  assertEquals(paths(to).filter((path) => path.startsWith(".ferry")), []);
  const real = await ferry(["sync", "--delete", from, to]);
  const [dryLines, realLines] = [dry, real].map(({ stdout }) => stdout.trimEnd().split("\n"));
  assertEquals([dry.code, real.code], [0, 0]);
  assertMatch(dryLines.pop()!, /^dry run, nothing was changed: 5 created, 4 updated, 5 deleted; /);
  assertMatch(
    realLines.pop()!,
    /^5 created, 4 updated, 5 deleted; 14 B of content, 0 B received, 0 B sent, \d+ ms$/,
  );
  assertEquals(dryLines, realLines);
  const MARKS: Record<string, string> = { create: "+", update: "~", delete: "-" };
  assertEquals(dryJson.changes.map((line) => line.replace(/^\w+/, (op) => MARKS[op])), realLines);
  assertEquals(dryJson.done.dry_run, true);
});

Deno.test("sync --dry-run does not even make the destination", async () => {
  using dir = tempDir({ "src/f": "x" });
  const run = await sync(["-n", dir.at("src"), dir.at("dst")]);
  assertEquals([run.code, run.changes], [0, ["create f"]]);
  assertEquals(paths(dir.path), ["src", "src/f"]);
});

Deno.test("sync --json prints the contract's events and fields", async () => {
  using dir = tempDir({ "src/d/f": "hello", "dst/f2": "x", "dst/f3": "x" });
  const run = await sync(["--delete", "--max-delete", "2", dir.at("src"), dir.at("dst")]);
  assertEquals(run.code, 0);
  const { ms, ...done } = run.events.pop()!;
  assert(Number.isInteger(ms));
  assertEquals(run.events, [
    { event: "plan", create: 2, update: 0, delete: 2, move: 0, bytes: 5 },
    { event: "change", op: "create", path: "d", bytes: 0 },
    { event: "change", op: "create", path: "d/f", bytes: 5 },
    { event: "change", op: "delete", path: "f3", bytes: 0 },
    { event: "change", op: "delete", path: "f2", bytes: 0 },
  ]);
  assertEquals(done, {
    event: "done",
    ok: true,
    created: 2,
    updated: 0,
    deleted: 2,
    moved: 0,
    conflicts: 0,
    problems: 0,
    files: 1,
    bytes_content: 5,
    bytes_sent: 0,
    bytes_received: 0,
  });
});

Deno.test("sync counts every byte of HTTP bodies", async () => {
  using dir = tempDir({
    "src/small": "x".repeat(1000),
    "src/large": "y".repeat(2_000_000),
    "dst": null,
    "back": null,
  });
  await using server = await serve(dir.at("dst"), ["--writable"]);
  const up = (await sync([dir.at("src"), server.url])).done;
  const down = (await sync([server.url, dir.at("back")])).done;
  for (
    const [done, way, other] of [[up, "bytes_sent", "bytes_received"], [
      down,
      "bytes_received",
      "bytes_sent",
    ]] as const
  ) {
    assertEquals(done.bytes_content, 2_001_000);
    const [there, back] = [Number(done[way]), Number(done[other])];
    assert(there > 2_001_000 && there < 2_010_000, `${way} ${there}`);
    assert(back > 0 && back < 10_000, `${other} ${back}`);
  }
});

Deno.test("sync --checksum finds what size and time do not tell", async () => {
  using dir = tempDir({ "src/f": "aaaa", "dst/f": "bbbb", "src/g": "same", "dst/g": "same" });
  for (const path of ["src/f", "dst/f", "src/g", "dst/g"]) {
    Deno.utimeSync(dir.at(path), 1e9, 1e9);
    Deno.chmodSync(dir.at(path), 0o644);
  }
  await using server = await serve(dir.at("src"));
  assertNothing(await sync([server.url, dir.at("dst")]));
  const run = await sync(["-c", server.url, dir.at("dst")]);
  assertEquals([run.code, run.changes], [0, ["update f"]]);
  assertEquals(Deno.readTextFileSync(dir.at("dst/f")), "aaaa");
});

Deno.test("sync lets kinds change, both ways and over links", async () => {
  for (const remote of [false, true]) {
    using dir = tempDir({
      "src/file to dir/f": "f",
      "src/empty dir to file": "f",
      "src/link to file": "f",
      "src/link to dir/f": "f",
      "dst/file to dir": "old",
      "dst/empty dir to file": null,
      "dst/file to link": "old",
      "dst/empty dir to link": null,
      "outside/precious": "precious",
    });
    Deno.symlinkSync("x", dir.at("src/file to link"));
    Deno.symlinkSync("x", dir.at("src/empty dir to link"));
    Deno.symlinkSync("../outside/precious", dir.at("dst/link to file"));
    Deno.symlinkSync("../outside", dir.at("dst/link to dir"));
    await using server = remote ? await serve(dir.at("dst"), ["--writable"]) : null;
    const to = server?.url ?? dir.at("dst");
    const run = await sync([dir.at("src"), to]);
    assertEquals([run.code, run.problems], [0, []]);
    assertEquals(
      await treeDigest(dir.at("dst"), { dirTimes: true }),
      await treeDigest(dir.at("src"), { dirTimes: true }),
    );
    // A link at the destination is replaced and never written through.
    assertEquals([paths(dir.at("outside")), Deno.readTextFileSync(dir.at("outside/precious"))], [
      ["precious"],
      "precious",
    ]);
    assertNothing(await sync([dir.at("src"), to]));
  }
});

Deno.test("sync replaces a folder that has files of its own only with --delete", async () => {
  using dir = tempDir({ "src/a": "file", "src/b": "longer", "dst/a/own/deep": "precious", "dst/b": "y" });
  const without = await sync([dir.at("src"), dir.at("dst")]);
  assertEquals([without.code, without.changes, without.problems], [1, ["update b"], ["conflict a"]]);
  assertEquals([without.done.ok, without.done.problems], [false, 1]);
  assertEquals(Deno.readTextFileSync(dir.at("dst/a/own/deep")), "precious");
  const stopped = await sync(["--delete", "--max-delete", "0", dir.at("src"), dir.at("dst")]);
  assertEquals([stopped.code, stopped.changes], [41, []]);
  const run = await sync(["--delete", dir.at("src"), dir.at("dst")]);
  assertEquals([run.code, run.changes], [0, ["delete a/own/deep", "delete a/own", "update a"]]);
  assertEquals(Deno.readTextFileSync(dir.at("dst/a")), "file");
});

Deno.test("sync keeps modes whatever the umask is", async () => {
  for (const umask of ["000", "077", "777"]) {
    using dir = tempDir({ "src/d/f": "f", "src/d/secret": "s" });
    Deno.chmodSync(dir.at("src/d/f"), 0o666);
    Deno.chmodSync(dir.at("src/d/secret"), 0o400);
    Deno.chmodSync(dir.at("src/d"), 0o777);
    const command = ferryCommand(["sync", dir.at("src"), dir.at("dst")]);
    // Not the umask of this process, which other tests share. The root of the destination is the user's own.
    Deno.mkdirSync(dir.at("dst"));
    const script = `umask ${umask}; exec "$@"`;
    const { code } = await new Deno.Command("sh", {
      args: ["-c", script, "sh", command.path, ...command.args],
    }).output();
    assertEquals([umask, code], [umask, 0]);
    assertEquals(await treeDigest(dir.at("dst")), await treeDigest(dir.at("src")));
  }
});

Deno.test("sync writes into folders that their owner may not write, and gives them their mode back", async () => {
  using dir = tempDir({ "src/locked/deep/f": "new", "dst/locked/deep/f": "old", "dst/locked/old": "old" });
  Deno.utimeSync(dir.at("dst/locked/deep/f"), 1e9, 1e9);
  for (const side of ["src", "dst"]) {
    Deno.chmodSync(dir.at(`${side}/locked/deep`), 0o555);
    Deno.chmodSync(dir.at(`${side}/locked`), 0o555);
  }
  const run = await sync(["--delete", dir.at("src"), dir.at("dst")]);
  assertEquals([run.code, run.problems], [0, []]);
  assertEquals(
    await treeDigest(dir.at("dst"), { dirTimes: true }),
    await treeDigest(dir.at("src"), { dirTimes: true }),
  );
});
