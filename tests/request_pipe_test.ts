/** `ferry request` whose standard output takes no more: a full disk, a reader that has gone. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ENV, ferryCommand, tempDir } from "./harness.ts";
import { hostile } from "./hostile_server.ts";

/** Runs `ferry ARGS` in bash with what follows it, and gives the program's own status and all of stderr. */
async function shell(args: readonly string[], rest: string): Promise<{ code: number; stderr: string }> {
  const { path, args: all } = ferryCommand(args);
  const script = `"$@" ${rest}; echo "status \${PIPESTATUS[0]}" >&2`;
  const command = new Deno.Command("bash", {
    args: ["-c", script, "bash", path, ...all],
    env: ENV,
    stdin: "null",
  });
  const stderr = new TextDecoder().decode((await command.output()).stderr);
  const [, told, code] = /^([^]*)status (\d+)\n$/.exec(stderr)!;
  return { code: Number(code), stderr: told };
}

Deno.test("request ends with 23 and says so where standard output is full, whatever goes there", async () => {
  await using server = hostile((visit) => visit.answer("200 OK", "body\n"));
  using dir = tempDir();
  const urls = Array.from({ length: 5 }, (_, index) => `${server.url}/${index}`);
  const cases = [
    [urls[0]],
    ["-I", urls[0]],
    ["-i", urls[0]],
    ["--parallel", "4", ...urls],
    ["-I", "--parallel", "4", ...urls],
    ["--json", "-o", dir.at("f"), urls[0]],
    ["--json", "--output-dir", dir.path, ...urls],
    ["-w", "done\\n", "-o", dir.at("f"), urls[0]],
    ["-w", "done\\n", "--parallel", "4", ...urls],
  ];
  await Promise.all(cases.map(async (args) => {
    const full = await shell(["request", ...args], "> /dev/full");
    assertEquals([args, full.code], [args, 23], full.stderr);
    assertStringIncludes(full.stderr, "cannot write standard output: no space left on device");
    assert(!full.stderr.includes("internal error"), full.stderr);
  }));
});

Deno.test("request ends with 23 and says nothing where nobody reads standard output any more", async () => {
  await using server = hostile((visit) => visit.answer("200 OK", "x".repeat(300_000)));
  using dir = tempDir({ "format": "y".repeat(300_000) });
  const urls = Array.from({ length: 3 }, (_, index) => `${server.url}/${index}`);
  const cases = [
    [urls[0]],
    ["--parallel", "3", ...urls],
    ["-w", "done\\n", "--parallel", "3", "-q", ...urls],
    // More than a pipe holds.
    ["-w", "@" + dir.at("format"), "-o", dir.at("f"), urls[0]],
  ];
  await Promise.all(cases.map(async (args) => {
    const gone = await shell(["request", ...args], "| head -c 1");
    assertEquals([args.slice(-2), gone.code, gone.stderr], [args.slice(-2), 23, ""]);
  }));
});
