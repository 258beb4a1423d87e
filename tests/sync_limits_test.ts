import { assert, assertEquals } from "@std/assert";
import { serve, tempDir, treeDigest } from "./harness.ts";
import { randomBytes, sync } from "./sync_fixtures.ts";

const RATE = 400_000;

/** Small files, enough for several packs, and one that is streamed: 1.5 times what may move in a second. */
function makeSource(dir: string): void {
  for (let i = 0; i < 20; i++) {
    Deno.writeFileSync(
      `${dir}/f${i}`,
      new Uint8Array(5000).map((_, at) => at * i),
    );
  }
  for (let i = 0; i < 2; i++) Deno.writeFileSync(`${dir}/large${i}`, randomBytes(250_000));
}

for (const way of ["pull", "push", "from folder to folder", "from server to server"]) {
  Deno.test(`sync --bwlimit holds a ${way} to the rate`, async () => {
    using dir = tempDir({ "src": null, "dst": null });
    makeSource(dir.at("src"));
    const remote = {
      from: way === "pull" || way.startsWith("from server"),
      to: way === "push" || way.startsWith("from server"),
    };
    await using source = remote.from ? await serve(dir.at("src")) : null;
    await using destination = remote.to ? await serve(dir.at("dst"), ["--writable"]) : null;
    const run = await sync([
      "--bwlimit",
      String(RATE),
      source?.url ?? dir.at("src"),
      destination?.url ?? dir.at("dst"),
    ]);
    assertEquals([run.code, run.stderr], [0, ""]);
    const { bytes_received, bytes_sent, bytes_content, ms } = run.done as
      & Record<string, number>
      & typeof run.done;
    const bytes = Math.max(bytes_received, bytes_sent) || bytes_content;
    assert(bytes >= 600_000, `${bytes} bytes`);
    // Slower is no error here: others use this machine too.
    assert(bytes / ms * 1000 <= 1.05 * RATE, `${bytes} bytes in ${ms} ms`);
    assertEquals(await treeDigest(dir.at("dst")), await treeDigest(dir.at("src")));
  });
}

for (const parallel of ["1", "64"]) {
  Deno.test(`sync --parallel ${parallel} copies everything, both ways`, async () => {
    using dir = tempDir({ "src": null, "dst": null, "back": null });
    for (let i = 0; i < 700; i++) Deno.writeTextFileSync(dir.at(`src/f${i}`), `${i}`);
    for (let i = 0; i < 4; i++) Deno.writeFileSync(dir.at(`src/large${i}`), randomBytes(1_500_000));
    await using server = await serve(dir.at("dst"), ["--writable"]);
    const push = await sync(["--parallel", parallel, dir.at("src"), server.url]);
    const pull = await sync(["--parallel", parallel, server.url, dir.at("back")]);
    assertEquals([push.code, push.changes.length, pull.code, pull.changes.length], [0, 704, 0, 704]);
    assertEquals(await treeDigest(dir.at("dst")), await treeDigest(dir.at("src")));
    assertEquals(await treeDigest(dir.at("back")), await treeDigest(dir.at("src")));
  });
}
