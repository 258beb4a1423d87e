import { assert, assertEquals, assertMatch } from "@std/assert";
import { ENV, ferry, ferryCommand, serve, tempDir } from "./harness.ts";
import { randomBytes } from "./sync_fixtures.ts";

const CLEAR = "\r\x1b[K";

/** Runs `ferry sync ARGS` on a terminal of 60 columns and gives what it shows; null where there is no `script`. */
async function onTerminal(args: readonly string[], env: Record<string, string> = {}): Promise<string | null> {
  const { path, args: all } = ferryCommand(["sync", ...args]);
  const quoted = [path, ...all].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  try {
    const child = new Deno.Command("script", {
      args: ["-qefc", `stty cols 60; ${quoted}`, "/dev/null"],
      env: { TERM: "xterm", ...ENV, ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    });
    const { code, stdout } = await child.output();
    assertEquals(code, 0);
    return new TextDecoder().decode(stdout).replaceAll("\r\n", "\n");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.log("skipped: no `script`");
    return null;
  }
}

function makeSource(dir: string): void {
  for (let i = 0; i < 6; i++) Deno.writeFileSync(`${dir}/f${i}`, randomBytes(200_000));
}

Deno.test("sync shows on a terminal how far it is, in one line that gives way to others", async () => {
  using dir = tempDir({ "src": null, "dst/old": "" });
  makeSource(dir.at("src"));
  const text = await onTerminal(["--bwlimit", "1500K", dir.at("src"), dir.at("dst")]);
  if (text === null) return;
  const drawn = text.split(CLEAR).map((part) => part.split("\n")[0]).filter((part) => part.includes("%"));
  assert(drawn.length > 0, JSON.stringify(text));
  for (const line of drawn) assertMatch(line, /^\d+%, .* of 1\.2 MB/);
  for (const line of text.replaceAll(CLEAR, "\n").split("\n")) {
    assert(!line.includes("%") || line.length < 60, line);
  }
  // What stays on the screen: what was not cleared.
  const left = text.split("\n").map((line) => line.split(CLEAR).at(-1)!);
  assertEquals(left.slice(0, 6).sort(), ["+ f0", "+ f1", "+ f2", "+ f3", "+ f4", "+ f5"]);
  assertMatch(left[6], /^6 created/);
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
    const text = await onTerminal(["--bwlimit", "1500K", ...flags, dir.at("src"), dir.at("dst")], env);
    if (text !== null) assert(!text.includes("%") && !text.includes(CLEAR), JSON.stringify(text));
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
