import { assertEquals, assertStringIncludes } from "@std/assert";
import { ferry, serve, tempDir, treeDigest } from "./harness.ts";
import { sync } from "./sync_fixtures.ts";

function sides() {
  const files = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`dst/f${i}`, `${i}`]));
  return tempDir({ ...files, "src/f0": "0", "src/f1": "1", "empty": null });
}

Deno.test("sync stops before a run that deletes too much, and goes on with --force", async () => {
  using dir = sides();
  const [src, dst] = [dir.at("src"), dir.at("dst")];
  const before = await treeDigest(dst, { dirTimes: true });
  for (const args of [[], ["--max-delete", "7"], ["--max-delete", "79%"], ["--max-delete=0"]]) {
    const run = await ferry(["sync", "--delete", ...args, src, dst]);
    assertEquals([run.code, run.stdout], [41, ""]);
    assertStringIncludes(run.stderr, `8 of the 10 entries of ${dst} would be deleted`);
    assertStringIncludes(run.stderr, "--force");
  }
  assertEquals(await treeDigest(dst, { dirTimes: true }), before);
  const run = await sync(["--delete", "--force", src, dst]);
  assertEquals([run.code, run.done.deleted], [0, 8]);
});

Deno.test("sync --max-delete lets through what it allows", async () => {
  for (const args of [["--max-delete", "8"], ["--max-delete", "80%"], ["--max-delete", "100%"]]) {
    using dir = sides();
    assertEquals((await sync(["--delete", ...args, dir.at("src"), dir.at("dst")])).done.deleted, 8);
  }
});

Deno.test("sync stops at a source that is suddenly empty, also for a server", async () => {
  using dir = sides();
  await using server = await serve(dir.at("dst"), ["--writable"]);
  const before = await treeDigest(dir.at("dst"), { dirTimes: true });
  for (const to of [dir.at("dst"), server.url]) {
    const run = await sync(["--delete", dir.at("empty"), to]);
    assertEquals([run.code, run.changes, run.done.ok], [41, [], false]);
  }
  assertEquals(await treeDigest(dir.at("dst"), { dirTimes: true }), before);
});

Deno.test("sync --dry-run shows what a guard would stop, and ends as the run would", async () => {
  using dir = sides();
  const before = await treeDigest(dir.at("dst"), { dirTimes: true });
  const run = await sync(["-n", "--delete", dir.at("src"), dir.at("dst")]);
  assertEquals([run.code, run.changes.filter((line) => line.startsWith("delete")).length], [41, 8]);
  assertEquals((await sync(["-n", "--delete", "--force", dir.at("src"), dir.at("dst")])).code, 0);
  assertEquals(await treeDigest(dir.at("dst"), { dirTimes: true }), before);
});

Deno.test("sync refuses folders that lie one within the other, by whatever name", async () => {
  using dir = tempDir({ "a/f": "x", "a/sub/g": "y", "ab/h": "z" });
  Deno.symlinkSync("a", dir.at("link"));
  const cases: [string, string][] = [
    ["a", "a"],
    ["a", "a/sub"],
    ["a/sub", "a"],
    ["a", "a/new/deep"],
    ["a", "link"],
    ["link", "a/sub"],
    ["a", "link/new"],
    ["a/.", "a/sub/.."],
  ];
  const before = await treeDigest(dir.path, { dirTimes: true });
  for (const [from, to] of cases) {
    const run = await ferry(["sync", dir.at(from), dir.at(to)]);
    assertEquals([from, to, run.code, run.stdout], [from, to, 41, ""], run.stderr);
  }
  assertEquals((await ferry(["sync", ".", "sub"], { cwd: dir.at("a") })).code, 41);
  assertEquals(
    (await ferry(["sync", "a", "../" + dir.path.split("/").pop() + "/a/x"], { cwd: dir.path })).code,
    41,
  );
  assertEquals(await treeDigest(dir.path, { dirTimes: true }), before);
  // A name that only starts alike is another folder.
  assertEquals((await ferry(["sync", dir.at("a"), dir.at("ab")])).code, 0);
});
