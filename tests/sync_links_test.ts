import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ferry, serve, tempDir, treeDigest } from "./harness.ts";
import { assertNothing, paths, sync } from "./sync_fixtures.ts";

/** SRC with links of every kind; beside it something that no link may lead to. */
function makeLinks() {
  const dir = tempDir({
    "src/file": "content",
    "src/real/deep/f": "f",
    "src/real/.ferryignore": "*.log\n",
    "src/real/x.log": "log",
    "src/sub/big": "b".repeat(1_500_000),
    "src/.ferry/secret": "state",
    "outside/secret": "secret",
    "dst": null,
  });
  const links: Record<string, string> = {
    "to file": "file",
    "to folder": "real",
    "sub/up": "../real/deep",
    "sub/chain": "../to folder/deep/f",
    "sub/large": "big",
    "absolute": dir.at("src/file"),
    "real/link in it": "../file",
    "out": "../outside/secret",
    "out folder": "../outside",
    "absolute out": "/etc/passwd",
    "nothing": "no such thing",
    "loop": "loop",
    "root": ".",
    "real/deep/circle": "..",
    "own": ".ferry/secret",
  };
  for (const [name, target] of Object.entries(links)) Deno.symlinkSync(target, dir.at(`src/${name}`));
  Deno.utimeSync(dir.at("src/file"), new Date(1_500_000_000_123), new Date(1_500_000_000_123));
  Deno.chmodSync(dir.at("src/file"), 0o640);
  return dir;
}

const BAD = ["absolute out", "loop", "nothing", "out", "out folder", "own", "real/deep/circle", "root"];
const BAD_IN_COPIES = ["sub/up/circle", "to folder/deep/circle"];

Deno.test("sync --links copy brings what links lead to, and reports those that lead elsewhere", async () => {
  for (const remote of ["", "src", "dst"]) {
    using dir = makeLinks();
    await using server = remote === "" ? null : await serve(dir.at(remote), ["--writable"]);
    const from = remote === "src" ? server!.url : dir.at("src");
    const to = remote === "dst" ? server!.url : dir.at("dst");
    const run = await sync(["--links", "copy", from, to]);
    assertEquals([run.code, run.stderr], [1, ""]);
    assertEquals(run.problems.sort(), [...BAD, ...BAD_IN_COPIES].map((path) => `bad_link ${path}`).sort());
    const whys = Object.fromEntries(
      run.events.filter(({ event }) => event === "problem").map(({ path, message }) => [path, message]),
    );
    assertEquals([whys["out"], whys["own"]], Array(2).fill("it leads out of the folder"));
    assertEquals([whys["nothing"], whys["loop"]], ["it leads to nothing", "it leads in a circle"]);
    assertEquals(
      [whys["root"], whys["sub/up/circle"]],
      Array(2).fill("it leads back to a folder that it lies in"),
    );

    const text = (path: string) => Deno.readTextFileSync(dir.at(`dst/${path}`));
    for (const path of ["file", "to file", "absolute", "real/link in it", "to folder/link in it"]) {
      assertEquals([path, text(path)], [path, "content"]);
      const info = Deno.lstatSync(dir.at(`dst/${path}`));
      assertEquals([info.isFile, info.mtime?.getTime(), info.mode! & 0o777], [
        true,
        1_500_000_000_123,
        0o640,
      ]);
    }
    for (const path of ["real/deep/f", "to folder/deep/f", "sub/up/f", "sub/chain"]) {
      assertEquals(text(path), "f");
    }
    assertEquals(text("sub/large").length, 1_500_000);
    assert(!paths(dir.at("dst")).some((path) => path.endsWith("x.log")), "filters hold along links too");
    assert(!(await treeDigest(dir.at("dst"))).includes(" link "));

    const again = await sync(["--links", "copy", "--delete", "--checksum", from, to]);
    assertEquals([again.code, again.changes], [1, []]);
  }
});

Deno.test("sync --links skip leaves links alone on both sides", async () => {
  for (const remote of ["", "src", "dst"]) {
    using dir = makeLinks();
    Deno.symlinkSync("mine", dir.at("dst/to file"));
    Deno.symlinkSync("mine too", dir.at("dst/only here"));
    Deno.symlinkSync("elsewhere", dir.at("dst/file"));
    Deno.mkdirSync(dir.at("dst/gone"));
    Deno.symlinkSync("x", dir.at("dst/gone/link"));
    await using server = remote === "" ? null : await serve(dir.at(remote), ["--writable"]);
    const from = remote === "src" ? server!.url : dir.at("src");
    const to = remote === "dst" ? server!.url : dir.at("dst");
    const run = await sync(["--links", "skip", "--delete", from, to]);
    assertEquals([run.code, run.stderr, run.problems], [0, "", []]);
    // What the source has a file for is that file.
    assertEquals(Deno.lstatSync(dir.at("dst/file")).isFile, true);
    assertEquals(Deno.readLinkSync(dir.at("dst/to file")), "mine");
    assertEquals(paths(dir.at("dst")).filter((path) => Deno.lstatSync(dir.at(`dst/${path}`)).isSymlink), [
      "gone/link",
      "only here",
      "to file",
    ]);
    assertNothing(await sync(["--links", "skip", "--delete", from, to]));
  }
});

Deno.test("sync --links copy gives nobody more than they may read", async () => {
  using dir = tempDir({ "share/open/f": "f", "share/closed/secret": "s", "share/open/in/g": "g" });
  for (
    const [name, target] of Object.entries({ a: "../closed/secret", b: "../closed", c: "in", d: "in/g" })
  ) {
    Deno.symlinkSync(target, dir.at(`share/open/${name}`));
  }
  Deno.symlinkSync("closed", dir.at("share/way"));
  await using server = await serve(dir.at("share"), [
    "--anonymous",
    "none",
    "--auth",
    "u:p@/:r,/closed:w,/open/in/g:w",
  ]);
  const url = new URL(server.url);
  [url.username, url.password] = ["u", "p"];
  const run = await sync(["--links", "copy", url.href, dir.at("dst")]);
  // Where links lead is hidden as if it were not there.
  assertEquals([run.code, run.problems], [0, []]);
  assertEquals(paths(dir.at("dst")), ["open", "open/c", "open/f", "open/in"]);

  // Nor by asking for it outright.
  const headers = { authorization: `Basic ${btoa("u:p")}` };
  for (const [base, file] of [["", "open/a"], ["", "open/b/secret"], ["open", "d"], ["", "way/secret"]]) {
    for (const links of ["copy", "keep"]) {
      const call = (name: string) => `${server.url}/.ferry/v1/${name}path=${base}&links=${links}`;
      const one = await fetch(call(`file?file=${file}&`), { headers });
      const many = await fetch(call("pack?"), {
        method: "POST",
        headers: { ...headers, "content-type": "application/json" },
        body: JSON.stringify({ files: [file] }),
      });
      const texts = [await one.text(), await many.text()];
      const words = links === "copy" ? /"forbidden"/ : /"vanished"|"changed"/;
      assert(texts.every((text) => words.test(text)), texts.join());
    }
  }
  const bad = await fetch(`${server.url}/.ferry/v1/tree?path=&links=all`, { headers });
  assertEquals(bad.status, 400);
  await bad.body?.cancel();
});

Deno.test("sync knows three ways with links", async () => {
  const { code, stderr } = await ferry(["sync", "--links", "follow", "a", "b"]);
  assertEquals(code, 2);
  assertStringIncludes(stderr, "--links follow: must be one of keep, copy, skip");
});

Deno.test("sync --links between two servers is done by the destination's", async () => {
  using dir = tempDir({ "src/file": "content", "dst": null });
  Deno.symlinkSync("file", dir.at("src/link"));
  await using source = await serve(dir.at("src"), ["--auth", "ann:a@/:r", "--anonymous", "none"]);
  await using destination = await serve(dir.at("dst"), ["--auth", "bob:b@/:rwds", "--peer", source.url]);
  const [from, to] = [source.url.replace("//", "//ann:a@"), destination.url.replace("//", "//bob:b@")];
  assertEquals((await sync(["--links", "skip", from, to])).changes, ["create file"]);
  assertEquals((await sync(["--links", "copy", from, to])).changes, ["create link"]);
  assertEquals(Deno.lstatSync(dir.at("dst/link")).isFile, true);
  assertEquals((await sync([from, to])).changes, ["update link"]);
  assertEquals(Deno.readLinkSync(dir.at("dst/link")), "file");
});
