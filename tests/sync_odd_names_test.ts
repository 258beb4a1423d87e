import { assertEquals } from "@std/assert";
import { serve, tempDir, treeDigest } from "./harness.ts";
import { assertNothing, makeOddTree, paths, sync } from "./sync_fixtures.ts";

/** Replicates the odd tree from SRC to DST, as `place` names them, and looks at what arrived. */
async function replicate(place: (src: string, dst: string) => Promise<[string, string, AsyncDisposable?]>) {
  using dir = tempDir({ "src": null, "dst": null });
  makeOddTree(dir.at("src"));
  const before = await treeDigest(dir.at("src"), { dirTimes: true });
  const [from, to, server] = await place(dir.at("src"), dir.at("dst"));
  await using _server = server ?? { [Symbol.asyncDispose]: () => Promise.resolve() };

  const first = await sync([from, to]);
  assertEquals([first.code, first.stderr, first.problems], [0, "", []]);
  const arrived = await treeDigest(dir.at("dst"), { dirTimes: true });
  assertEquals(arrived.split("\n"), before.split("\n"));
  assertEquals(await treeDigest(dir.at("src"), { dirTimes: true }), before, "the source is not touched");
  assertEquals(first.done.created, before.split("\n").length);
  assertEquals(
    first.done.files,
    before.split("\n").filter((line) => / file \d+ -?\d+ \d+ [0-9a-f]{64}$/.test(line)).length,
  );

  assertNothing(await sync([from, to]));
  assertNothing(await sync([from, to, "--delete", "--checksum"]));
  assertEquals(await treeDigest(dir.at("dst"), { dirTimes: true }), before);
  assertEquals(paths(dir.at("dst")).filter((path) => path.includes(".ferry/")), []);
}

Deno.test("sync brings odd names, kinds, modes and times from a folder to a folder", async () => {
  await replicate((src, dst) => Promise.resolve([src, dst]));
});

Deno.test("sync brings odd names, kinds, modes and times from a folder to a URL", async () => {
  await replicate(async (src, dst) => {
    const server = await serve(dst, ["--writable"]);
    return [src, server.url, server];
  });
});

Deno.test("sync brings odd names, kinds, modes and times from a URL to a folder", async () => {
  await replicate(async (src, dst) => {
    const server = await serve(src);
    return [server.url + "/", dst, server];
  });
});

Deno.test("sync brings odd names from a server to a server, into a folder that is not there yet", async () => {
  using dir = tempDir({ "src/in": null, "dst": null });
  makeOddTree(dir.at("src/in"));
  await using source = await serve(dir.at("src"));
  await using destination = await serve(dir.at("dst"), ["--anonymous", "rwd"]);
  const [from, to] = [source.url + "/in", destination.url + "/a%20b/c/"];
  assertEquals((await sync([from, to])).code, 0);
  assertEquals(
    await treeDigest(dir.at("dst/a b/c"), { dirTimes: true }),
    await treeDigest(dir.at("src/in"), { dirTimes: true }),
  );
  assertNothing(await sync([from, to]));
});
