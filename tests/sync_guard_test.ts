import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ferry, serve, tempDir, treeDigest } from "./harness.ts";
import { exists, mountTmpfs, paths, sync } from "./sync_fixtures.ts";

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

Deno.test("sync refuses two URLs of one share that lie one within the other, also by other names", async () => {
  using dir = tempDir({ "share/a/f": "x", "share/a/sub/g": "y", "share/ab/h": "z" });
  await using server = await serve(dir.at("share"), ["--writable"]);
  const before = await treeDigest(dir.at("share"), { dirTimes: true });
  const url = (path: string) => `${server.url}/${path}`;
  for (const [from, to] of [["a", "a"], ["a/sub", "a"], ["a", "a/new"], ["", "a"], ["ab", ""]]) {
    for (const flags of [[], ["--via-client"], ["-n"]]) {
      const run = await ferry(["sync", ...flags, url(from), url(to)]);
      assertEquals([from, to, run.code, run.stdout], [from, to, 41, ""], run.stderr);
    }
  }
  assertEquals(await treeDigest(dir.at("share"), { dirTimes: true }), before);
  assertEquals((await ferry(["sync", url("a/sub"), url("ab")])).code, 0);
  // It is a replica now, and known as that by whatever name.
  const other = server.url.replace("127.0.0.1", "localhost");
  for (
    const [from, to] of [[`${other}/a`, url("a/new")], [dir.at("share/a"), url("a")], [
      url(""),
      dir.at("share/new"),
    ]]
  ) {
    const run = await ferry(["sync", from, to]);
    assertEquals([from, to, run.code, run.stdout], [from, to, 41, ""], run.stderr);
  }
  assertEquals((await ferry(["sync", dir.at("share/a/sub"), url("ab")])).code, 0);
  // A copy with its mark is another place.
  assert(new Deno.Command("cp", { args: ["-a", dir.at("share"), dir.at("copy")] }).outputSync().success);
  assertEquals((await ferry(["sync", dir.at("copy"), server.url])).code, 0);
});

Deno.test("sync stops at a source that is empty or not there, whatever --max-delete allows, but for --force", async () => {
  using dir = sides();
  await using server = await serve(dir.path, ["--writable"]);
  const before = await treeDigest(dir.at("dst"), { dirTimes: true });
  const sources = [
    [dir.at("empty"), "is empty"],
    [dir.at("missing"), "there is no such folder"],
    [`${server.url}/empty`, "is empty"],
    [`${server.url}/missing`, "there is no such folder"],
  ];
  for (const [from, text] of sources) {
    for (const flags of [["--max-delete=100%"], ["--max-delete", "10"], ["-n", "--max-delete=100%"]]) {
      const run = await ferry(["sync", "--delete", ...flags, from, dir.at("dst")]);
      assertEquals([from, run.code], [from, 41], run.stderr);
      assertStringIncludes(run.stderr, text);
      assertStringIncludes(run.stderr, "--force");
    }
  }
  assertEquals(await treeDigest(dir.at("dst"), { dirTimes: true }), before);
  // Without --delete an empty source does no harm, and a missing one is still no source.
  assertEquals((await ferry(["sync", dir.at("empty"), dir.at("dst")])).code, 0);
  assertEquals((await ferry(["sync", dir.at("missing"), dir.at("dst")])).code, 41);
  assertEquals(await treeDigest(dir.at("dst"), { dirTimes: true }), before);
  const run = await sync(["--delete", "--force", dir.at("missing"), dir.at("dst")]);
  assertEquals([run.code, run.done.deleted], [0, 10], run.stderr);
});

Deno.test("sync stops where a replica has lost its mark, as when its disk is not mounted, but for --force", async () => {
  using dir = tempDir({ "src/f": "new", "state": null, "dst": null });
  const options = { env: { XDG_STATE_HOME: dir.at("state") } };
  const [src, dst] = [dir.at("src"), dir.at("dst")];
  assertEquals((await ferry(["sync", src, dst], options)).code, 0);
  assert(exists(dir.at("dst/.ferry/replica")) && !exists(dir.at("src/.ferry")));
  // Its contents may go, that is what syncs are for; its mark may not.
  Deno.removeSync(dir.at("dst/f"));
  assertEquals((await ferry(["sync", src, dst], options)).code, 0);
  Deno.removeSync(dir.at("dst/.ferry"), { recursive: true });
  const attempts = [[src, dst], ["-n", src, dst], [src, dst + "/"], [src, dir.at("src/../dst")], [
    dst,
    dir.at("new"),
  ]];
  for (const args of attempts) {
    const run = await ferry(["sync", ...args], options);
    assertEquals([run.code, run.stdout], [41, ""], run.stderr);
    assertStringIncludes(run.stderr, "dst");
    assertStringIncludes(run.stderr, ".ferry/replica");
    assertStringIncludes(run.stderr, "--force");
  }
  assertEquals(paths(dst), ["f"]);
  assertEquals((await ferry(["sync", src, dst])).code, 0, "another machine knows nothing of it");
  assertEquals((await ferry(["sync", src, dst], options)).code, 41);
  assertEquals((await ferry(["sync", "--force", src, dst], options)).code, 0);
  assertEquals((await ferry(["sync", src, dst], options)).code, 0);
  // Who empties it, removes it, or makes another in its place is not asked.
  for (const path of [dir.at("dst/.ferry"), dir.at("dst/f")]) Deno.removeSync(path, { recursive: true });
  assertEquals((await ferry(["sync", src, dst], options)).code, 0);
  Deno.removeSync(dst, { recursive: true });
  assertEquals((await ferry(["sync", src, dst], options)).code, 0);
  assertEquals(Deno.readTextFileSync(dir.at("dst/f")), "new");
  for (const content of [{}, { f: "other", own: "x" }]) {
    Deno.removeSync(dst, { recursive: true });
    Deno.mkdirSync(dst);
    for (const [name, text] of Object.entries(content)) Deno.writeTextFileSync(dir.at(`dst/${name}`), text);
    const run = await ferry(["sync", "--delete", "--max-delete=100%", src, dst], options);
    assertEquals(run.code, 0, run.stderr);
    assertEquals(paths(dst).filter((path) => !path.startsWith(".ferry")), ["f"]);
  }
});

Deno.test("sync stops where a disk is not mounted that is another view of the same one", async () => {
  using dir = tempDir({ "src/f": "new", "data": null, "dst": null, "state": null });
  const options = { env: { XDG_STATE_HOME: dir.at("state") } };
  const bind = ["--bind", dir.at("data"), dir.at("dst")];
  if (!new Deno.Command("mount", { args: bind, stderr: "null" }).outputSync().success) return;
  try {
    assertEquals((await ferry(["sync", dir.at("src"), dir.at("dst")], options)).code, 0);
  } finally {
    assert(new Deno.Command("umount", { args: [dir.at("dst")] }).outputSync().success);
  }
  const run = await ferry(["sync", dir.at("src"), dir.at("dst")], options);
  assertEquals([run.code, paths(dir.at("dst"))], [41, []], run.stderr);
});

Deno.test("sync stops where the disk of a replica is not mounted, also where the mount point went with it", async () => {
  using dir = tempDir({ "src/f": "new", "mnt": null, "state": null });
  const options = { env: { XDG_STATE_HOME: dir.at("state") } };
  const to = dir.at("mnt/deep/dst");
  {
    using mount = mountTmpfs(dir.at("mnt"), "size=4m,mode=755");
    if (mount === null) return;
    assertEquals((await ferry(["sync", dir.at("src"), to], options)).code, 0);
  }
  assertEquals((await ferry(["sync", dir.at("src"), to], options)).code, 41);
  Deno.removeSync(dir.at("mnt"));
  const run = await ferry(["sync", dir.at("src"), to], options);
  assertEquals(run.code, 41, run.stderr);
  assert(!exists(dir.at("mnt")));
  Deno.mkdirSync(dir.at("mnt"));
});

Deno.test("sync stops at a share that has lost its mark, as source and as destination, but for --force", async () => {
  using dir = tempDir({ "src/f": "new", "share": null, "dst": null, "state": null });
  const env = { XDG_STATE_HOME: dir.at("state") };
  await using server = await serve(dir.at("share"), ["--writable"], env);
  await using other = await serve(
    dir.at("dst"),
    ["--writable", "--anonymous", "rwds", "--peer", server.url],
    env,
  );
  assertEquals((await ferry(["sync", dir.at("src"), server.url])).code, 0);
  assertEquals((await ferry(["sync", server.url, other.url])).code, 0);
  Deno.removeSync(dir.at("share/f"));
  Deno.removeSync(dir.at("share/.ferry"), { recursive: true });
  Deno.writeTextFileSync(dir.at("share/other"), "");
  for (const [from, to] of [[dir.at("src"), server.url], [server.url, other.url], [other.url, server.url]]) {
    const run = await ferry(["sync", "--delete", "--max-delete=100%", from, to]);
    assertEquals([run.code, run.stdout], [41, ""], run.stderr);
    assertStringIncludes(run.stderr, ".ferry/replica");
  }
  assertEquals(paths(dir.at("share")), ["other"]);
  assertEquals(paths(dir.at("dst")), ["f"]);
  assertEquals((await ferry(["sync", "--force", dir.at("src"), server.url])).code, 0);
  assertEquals((await ferry(["sync", server.url, other.url])).code, 0);
});
