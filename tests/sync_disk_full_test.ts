import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ferry, serve, tempDir, treeDigest } from "./harness.ts";
import { empty, mountTmpfs, paths, sync } from "./sync_fixtures.ts";

const MB = 1024 * 1024;

/** Sources that do not fit into 4 MB, each in its own way. */
const TOO_MUCH: Record<string, Record<string, Uint8Array>> = {
  "one large file": { "large": new Uint8Array(6 * MB).fill(1) },
  "many small files": Object.fromEntries(
    Array.from({ length: 60 }, (_, i) => [`d${i % 7}/f${i}`, new Uint8Array(100_000).fill(i)]),
  ),
};

for (const [label, files] of Object.entries(TOO_MUCH)) {
  for (const remote of [false, true]) {
    for (const first of [true, false]) {
      const where = `${remote ? "a server's disk" : "a local disk"}, ${first ? "empty" : "in use"}`;
      Deno.test(`sync ends with 23 when ${label} fill ${where}`, async () => {
        using dir = tempDir({ "src/keep": "new content", "mnt": null });
        using mount = mountTmpfs(dir.at("mnt"), "size=4m,nr_inodes=400,mode=755");
        if (mount === null) return;
        for (const [path, bytes] of Object.entries(files)) {
          Deno.mkdirSync(dir.at(`src/${path}`).replace(/\/[^/]*$/, ""), { recursive: true });
          Deno.writeFileSync(dir.at(`src/${path}`), bytes);
        }
        Deno.mkdirSync(dir.at("mnt/dst"));
        if (!first) {
          for (const name of ["keep", "large", "own"]) {
            Deno.writeTextFileSync(dir.at(`mnt/dst/${name}`), name);
          }
        }
        await using server = remote ? await serve(dir.at("mnt"), ["--writable"]) : null;
        const to = remote ? server!.url + "/dst" : dir.at("mnt/dst");
        const run = await sync([dir.at("src"), to]);
        assertEquals([run.code, run.done.ok], [23, false], run.stderr);
        assertMatch(run.stderr, /no space (is )?left/);
        assertStringIncludes(run.stderr, remote ? new URL(server!.url).host : dir.at("mnt"));
        assertEquals(run.stderr.trimEnd().split("\n").length, 1);
        // What is there is whole: old, or new.
        for (const path of paths(dir.at("mnt/dst"))) {
          const full = dir.at(`mnt/dst/${path}`);
          if (!Deno.lstatSync(full).isFile) continue;
          const is = Deno.readFileSync(full);
          const text = is.length < 100 ? new TextDecoder().decode(is) : "";
          const whole = text === path || text === "new content" ||
            (files[path] !== undefined && is.length === files[path].length &&
              is.every((b, i) => b === files[path][i]));
          assert(whole, `${path} is neither old nor new`);
        }
        if (!first) assertEquals(Deno.readTextFileSync(dir.at("mnt/dst/own")), "own");
        for (const state of ["mnt/.ferry", "mnt/dst/.ferry"]) {
          assert(!paths(dir.path).includes(state), `${state} was left`);
        }
        // With room again, the next run completes what this one could not.
        const remount = ["-o", "remount,size=20m", dir.at("mnt")];
        assert(new Deno.Command("mount", { args: remount }).outputSync().success);
        assertEquals((await sync(["--delete", "--force", dir.at("src"), to])).code, 0);
        assertEquals(
          await treeDigest(dir.at("mnt/dst"), { dirTimes: true }),
          await treeDigest(dir.at("src"), { dirTimes: true }),
        );
      });
    }
  }
}

Deno.test("sync ends with 23 and names the folder when there is room for no more names", async () => {
  using dir = tempDir({ "mnt": null });
  using mount = mountTmpfs(dir.at("mnt"), "size=8m,nr_inodes=40,mode=755");
  if (mount === null) return;
  Deno.mkdirSync(dir.at("mnt/dst"));
  for (let i = 0; i < 60; i++) Deno.mkdirSync(dir.at(`src/d${i}`), { recursive: true });
  for (const own of [null, "own"]) {
    if (own !== null) Deno.writeTextFileSync(dir.at("mnt/dst/own"), own);
    const run = await ferry(["sync", dir.at("src"), dir.at("mnt/dst")]);
    assertEquals(run.code, 23, run.stderr);
    assertStringIncludes(run.stderr, dir.at("mnt"));
    assertStringIncludes(run.stderr, "no space left on device");
    empty(dir.at("mnt/dst"));
  }
});
