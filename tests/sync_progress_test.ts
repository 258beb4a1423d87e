import { assert, assertEquals, assertMatch } from "@std/assert";
import { ferry, serve, tempDir } from "./harness.ts";
import { randomBytes } from "./sync_fixtures.ts";
import { onTerminal, Screen } from "./terminal.ts";

function makeSource(dir: string): void {
  for (let i = 0; i < 6; i++) Deno.writeFileSync(`${dir}/f${i}`, randomBytes(200_000));
}

Deno.test("sync shows on a terminal how far it is, in one line that gives way to others", async () => {
  using dir = tempDir({ "src": null, "dst/old": "" });
  makeSource(dir.at("src"));
  const args = ["sync", "--bwlimit", "1500K", dir.at("src"), dir.at("dst")];
  const run = await onTerminal(args, { columns: 60 });
  if (run === null) return;
  assertEquals(run.code, 0);
  const screen = new Screen(60, 24);
  const drawn = screen.write(run.raw).map((lines) => lines.at(-1)!).filter((line) => line.includes("%"));
  assert(drawn.length > 0, JSON.stringify(run.raw));
  for (const line of drawn) assertMatch(line, /^\d+%, .* of 1\.2 MB/);
  for (const line of drawn) assert(line.length < 60, line);
  const left = screen.lines();
  assertEquals(left.slice(0, 6).sort(), ["+ f0", "+ f1", "+ f2", "+ f3", "+ f4", "+ f5"]);
  assertMatch(left[6], /^6 created/);
  assert(!left.join("\n").includes("%"), left.join("\n"));
});

for (
  const [name, flags, env] of [
    ["--quiet", ["--quiet"], {}],
    ["--no-progress", ["--no-progress"], {}],
    ["a dumb terminal", [], { TERM: "dumb" }],
  ] as [string, string[], Record<string, string>][]
) {
  Deno.test(`sync shows no progress with ${name}`, async () => {
    using dir = tempDir({ "src": null, "dst/old": "" });
    makeSource(dir.at("src"));
    const args = ["sync", "--bwlimit", "1500K", ...flags, dir.at("src"), dir.at("dst")];
    const run = await onTerminal(args, { columns: 60, env });
    if (run === null) return;
    assertEquals(run.code, 0);
    assert(!run.raw.includes("%") && !run.raw.includes("\x1b"), JSON.stringify(run.raw));
  });
}

Deno.test("sync shows no progress in a pipe, and with --progress plain lines on stderr", async () => {
  using dir = tempDir({ "src/a": "12345", "src/b": "1", "one": null, "two": null });
  await using server = await serve(dir.at("src"));
  const silent = await ferry(["sync", server.url, dir.at("one")]);
  assertEquals([silent.code, silent.stderr], [0, ""]);
  for (const flags of [[], ["--json"], ["--quiet"]]) {
    Deno.removeSync(dir.at("two"), { recursive: true });
    const { code, stdout, stderr } = await ferry(["sync", "--progress", ...flags, server.url, dir.at("two")]);
    assertEquals([code, stderr.split("\n").at(-2)], [0, "ferry: 100%, 6 B of 6 B, 2 of 2 changes"]);
    assert(!stdout.includes("%"), stdout);
  }
});
