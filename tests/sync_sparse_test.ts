import { assert, assertEquals } from "@std/assert";
import { serve, sha256, tempDir } from "./harness.ts";
import { assertNothing, sync } from "./sync_fixtures.ts";

const SIZE = 60_000_001;

/** A file of holes with something at its beginning, in the middle and near its end. */
function makeSparse(path: string): void {
  using file = Deno.openSync(path, { write: true, create: true });
  for (const at of [0, 23_456_789, SIZE - 5_000_000]) {
    file.seekSync(at, Deno.SeekMode.Start);
    file.writeSync(new Uint8Array(70_000).fill(at % 251 + 1));
  }
  file.truncateSync(SIZE);
}

Deno.test("sync keeps holes, and sends nothing for them", async () => {
  for (const remote of ["", "src", "dst"]) {
    using dir = tempDir({ src: null, dst: null });
    makeSparse(dir.at("src/disk"));
    using empty = Deno.openSync(dir.at("src/empty"), { write: true, create: true });
    empty.truncateSync(SIZE);
    // With as many blocks as it needs it is an ordinary file, whatever is in it.
    Deno.writeFileSync(dir.at("src/zeros"), new Uint8Array(2_000_000));
    const kept = (path: string) => (Deno.statSync(dir.at(path)).blocks ?? 0) * 512;
    if (kept("src/disk") > 2_000_000) return console.log("skipped: this file system keeps no holes");
    await using server = remote === "" ? null : await serve(dir.at(remote), ["--writable"]);
    const from = remote === "src" ? server!.url : dir.at("src");
    const to = remote === "dst" ? server!.url : dir.at("dst");

    const run = await sync([from, to]);
    assertEquals([run.code, run.stderr, run.problems], [0, "", []]);
    assert(
      Number(run.done.bytes_sent) + Number(run.done.bytes_received) < 2_500_000,
      JSON.stringify(run.done),
    );
    for (const name of ["disk", "empty"]) {
      const bytes = Deno.readFileSync(dir.at(`dst/${name}`));
      assertEquals(await sha256(bytes), await sha256(Deno.readFileSync(dir.at(`src/${name}`))));
      assert(kept(`dst/${name}`) < 2_000_000, `${name} takes ${kept(`dst/${name}`)} bytes`);
    }
    assertEquals(kept("dst/zeros"), kept("src/zeros"));
    assertNothing(await sync(["--checksum", from, to]));
  }
});
