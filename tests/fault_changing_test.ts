/** A source that changes while it is read: what arrives is whole, and what could not be read is named. */
import { assert, assertEquals } from "@std/assert";
import { faults } from "./faults.ts";
import { serve, tempDir } from "./harness.ts";
import { paths, sync } from "./sync_fixtures.ts";

/** Changes `paths` as fast as it can until it is stopped, in a process of its own. */
function restless(dir: string, script: string): AsyncDisposable {
  const child = new Deno.Command("sh", {
    // With a trap the shell first waits for the command it runs: nothing of it outlives the shell.
    args: ["-c", `trap "exit 0" TERM; while :; do ${script}; done`],
    cwd: dir,
    stdout: "null",
    stderr: "null",
  })
    .spawn();
  return {
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.status;
    },
  };
}

Deno.test("sync of a source that changes under its hands brings whole files or none", async () => {
  using dir = tempDir({ "src": null, "dst": null });
  const A = "a".repeat(3_000_000);
  const B = "b".repeat(2_000_000);
  for (let i = 0; i < 8; i++) {
    Deno.writeTextFileSync(dir.at(`src/large${i}`), A);
    Deno.writeTextFileSync(dir.at(`src/small${i}`), "still");
  }
  Deno.writeTextFileSync(dir.at("a"), A);
  Deno.writeTextFileSync(dir.at("b"), B);
  await using server = await serve(dir.at("dst"), ["--writable"]);
  {
    await using _writer = restless(
      dir.at("src"),
      "for i in 0 1 2 3 4 5 6 7; do cat ../a > large$i; cat ../b > large$i; done",
    );
    for (let round = 0; round < faults(50); round++) {
      const run = await sync([dir.at("src"), server.url]);
      assert(run.code === 0 || run.code === 1, `${run.code}: ${run.stderr}`);
      assert(run.problems.every((line) => /^(changed|conflict) large\d$/.test(line)), run.problems.join());
      for (const name of paths(dir.at("dst"))) {
        const text = Deno.readTextFileSync(dir.at(`dst/${name}`));
        // While it is written anew a file is for a moment a shorter one, of one letter.
        assert(/^(a*|b*|still)$/.test(text), `${name} is a mix`);
      }
    }
  }
  for (let i = 0; i < 8; i++) Deno.writeTextFileSync(dir.at(`src/large${i}`), A);
  assertEquals((await sync([dir.at("src"), server.url])).code, 0);
  assertEquals(paths(dir.at("dst")).length, 16);
});

Deno.test("sync of files that vanish brings the others", async () => {
  for (const remote of [false, true]) {
    using dir = tempDir({ "src": null, "dst": null });
    for (let i = 0; i < 300; i++) Deno.writeTextFileSync(dir.at(`src/kept${i}`), "k".repeat(i));
    await using server = remote ? await serve(dir.at("src")) : null;
    {
      await using _writer = restless(
        dir.at("src"),
        "for i in 1 2 3 4 5 6 7 8 9; do mkdir -p d$i; : > d$i/f; : > v$i; done; rm -rf d? v?",
      );
      for (let round = 0; round < faults(25); round++) {
        const run = await sync([server?.url ?? dir.at("src"), dir.at("dst")]);
        assert(run.code === 0 || run.code === 1, `${run.code}: ${run.stderr}`);
        assert(run.problems.every((line) => /^\w+ [dv]\d/.test(line)), run.problems.join());
      }
    }
    assertEquals(paths(dir.at("dst")).filter((path) => path.startsWith("kept")).length, 300);
  }
});
