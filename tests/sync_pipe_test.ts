/** `ferry sync` whose output nobody takes any more: no stack trace, and a status that says so. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ENV, ferryCommand, tempDir } from "./harness.ts";

/** Enough lines to fill a pipe, and then some. */
function manyFiles(): Record<string, string> {
  return Object.fromEntries(Array.from({ length: 1500 }, (_, i) => [`src/${"long".repeat(20)}-${i}`, ""]));
}

function shell(script: string, ...args: string[]) {
  return new Deno.Command("bash", { args: ["-c", script, "bash", ...args], env: ENV, stdin: "null" })
    .output();
}

Deno.test("sync whose reader has gone ends quietly with 23", async () => {
  using dir = tempDir(manyFiles());
  for (const json of ["", "--json"]) {
    const { path, args } = ferryCommand(["sync", "--no-fsync", dir.at("src"), dir.at(`dst${json}`)]);
    const { stdout, stderr } = await shell(
      `"$@" ${json} | head -n 1 > /dev/null; echo "\${PIPESTATUS[0]}"`,
      path,
      ...args,
    );
    const decoder = new TextDecoder();
    assertEquals([decoder.decode(stdout), decoder.decode(stderr)], ["23\n", ""]);
  }
});

Deno.test("sync whose reader has gone before a word was written ends with 23, however slow the run is", async () => {
  using dir = tempDir({ "src/f": "x" });
  Deno.writeFileSync(dir.at("src/slow"), new Uint8Array(600_000));
  const { path, args } = ferryCommand(["sync", "--bwlimit", "500K", dir.at("src"), dir.at("dst")]);
  const { stdout, stderr } = await shell(`"$@" | true; echo "\${PIPESTATUS[0]}"`, path, ...args);
  const decoder = new TextDecoder();
  assertEquals([decoder.decode(stdout), decoder.decode(stderr)], ["23\n", ""]);
});

Deno.test("sync goes on without stderr, and names a stdout that is full", async () => {
  using dir = tempDir({ "src/f": "x", "src/big": "x".repeat(100_000) });
  const line = ferryCommand(["sync", "--progress", dir.at("src"), dir.at("dst")]);
  const gone = await shell('"$@" 2> /dev/full', line.path, ...line.args);
  assertEquals(gone.code, 0);
  assertStringIncludes(new TextDecoder().decode(gone.stdout), "2 created");
  const full = await shell('"$@" > /dev/full', line.path, ...line.args);
  const stderr = new TextDecoder().decode(full.stderr);
  assertEquals(full.code, 23, stderr);
  assertStringIncludes(stderr, "cannot write standard output: no space left on device");
  assert(!stderr.includes("internal error"), stderr);
});
