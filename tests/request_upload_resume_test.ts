/** `ferry request -C -T`: uploads that a later run goes on with. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { cuttingProxy } from "./cutting_proxy.ts";
import { ENV, ferry, ferryCommand, serve, type TempDir, tempDir } from "./harness.ts";
import { hostile } from "./hostile_server.ts";
import { sha256OfFile, writeLarge } from "./tus_client.ts";

const MIB = 1024 * 1024;

/** Runs `ferry request -T large ARGS` with a state of its own; its outcome is the line of `--json`. */
async function send(dir: TempDir, ...args: string[]) {
  const run = await ferry(["request", "-T", dir.at("large"), "--json", "--retry", "0", ...args], {
    env: { XDG_STATE_HOME: dir.at("state") },
  });
  return { ...run, outcome: JSON.parse(run.stderr.trim().split("\n").at(-1)!) };
}

function records(dir: TempDir): string[] {
  try {
    return [...Deno.readDirSync(dir.at("state/ferry/uploads"))].map(({ name }) => name);
  } catch {
    return [];
  }
}

Deno.test("request -C -T goes on with the upload that a killed run began", async () => {
  using dir = tempDir({ "share": null });
  const digest = writeLarge(dir.at("large"), 24 * MIB);
  await using server = await serve(dir.at("share"), ["--writable"]);
  await using proxy = cuttingProxy(server.port, []);
  const url = `${proxy.url}/in/`;
  const command = ferryCommand(["request", "-T", dir.at("large"), "--limit-rate", "12M", url]);
  const child = new Deno.Command(command.path, {
    args: command.args,
    env: { ...ENV, XDG_STATE_HOME: dir.at("state") },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  for (let i = 0; i < 1000 && proxy.passed() < 8 * MIB; i++) await new Promise((ok) => setTimeout(ok, 10));
  child.kill("SIGKILL");
  await child.status;
  const before = proxy.passed();
  assert(before >= 8 * MIB && before < 24 * MIB, `${before} bytes`);
  assertEquals(records(dir).length, 1);

  const { code, stderr, outcome } = await send(dir, "-C", url);
  assertEquals(code, 0, stderr);
  assertEquals(await sha256OfFile(dir.at("share/in/large")), digest);
  assert(proxy.passed() - before < 20 * MIB, `${proxy.passed() - before} bytes more`);
  assert(outcome.resumed && outcome.bytes > 0 && outcome.bytes < 20 * MIB, JSON.stringify(outcome));
  assertEquals(records(dir), []);
});

Deno.test("request -C -T goes on with the same content alone, and only when asked", async () => {
  using dir = tempDir({ "share": null });
  const large = dir.at("large");
  const whole = 9 * MIB;
  let digest = writeLarge(large, whole);
  await using server = await serve(dir.at("share"), ["--writable"]);
  // By all bytes that passed: so that each first try breaks off within its 9 MiB.
  await using proxy = cuttingProxy(server.port, [5, 15, 30, 45, 60].map((n) => n * MIB));
  const breakOff = async (name: string) => {
    const { code, stderr } = await send(dir, `${proxy.url}/${name}`);
    assertEquals(code, 18, stderr);
    assertStringIncludes(stderr, "; --continue goes on with the upload");
    assertEquals(records(dir).length, 1);
  };
  const whatCame = async (name: string, ...args: string[]) => {
    const { code, stderr, outcome } = await send(dir, ...args, `${proxy.url}/${name}`);
    assertEquals([name, code], [name, 0], stderr);
    assertEquals([name, await sha256OfFile(dir.at(`share/${name}`))], [name, digest]);
    assertEquals([name, records(dir)], [name, []]);
    return [outcome.resumed === true, outcome.bytes < whole];
  };
  const change = (keepTime: boolean) => {
    const { mtime } = Deno.statSync(large);
    using file = Deno.openSync(large, { read: true, write: true });
    const byte = new Uint8Array(1);
    file.readSync(byte);
    file.seekSync(0, Deno.SeekMode.Start);
    file.writeSync(byte.map((value) => value ^ 1));
    if (keepTime) file.utimeSync(mtime!, mtime!);
  };

  await breakOff("touched");
  Deno.utimeSync(large, 1, 1);
  assertEquals(await whatCame("touched", "-C"), [true, true]);

  await breakOff("changed");
  change(false);
  digest = await sha256OfFile(large);
  assertEquals(await whatCame("changed", "-C"), [false, false]);

  await breakOff("unasked");
  assertEquals(await whatCame("unasked"), [false, false]);

  await breakOff("given up");
  Deno.removeSync(dir.at("share/.ferry/tus"), { recursive: true });
  assertEquals(await whatCame("given up", "-C"), [false, false]);

  // What hides that it has changed, in bytes that the server has.
  await breakOff("hidden");
  change(true);
  digest = await sha256OfFile(large);
  assertEquals(await whatCame("hidden", "-C"), [false, false]);
});

Deno.test("request -C -T is an upload like any other where there is none to go on with", async () => {
  using dir = tempDir({ "small": "small" });
  await using server = hostile((visit) => visit.answer("201 Created"));
  const run = await ferry(["request", "-C", "-T", dir.at("small"), `${server.url}/x`]);
  assertEquals([run.code, server.visits.length], [0, 1], run.stderr);
  assertEquals(new TextDecoder().decode(server.visits[0].body), "small");
  const cases: [string[], string][] = [
    [["-C", "-T", "-"], "pipe"],
    [["-C", "PUT", "-T", dir.at("small")], "not with PUT"],
    [["-C", "-d", "x"], "not with POST"],
  ];
  for (const [args, text] of cases) {
    const { code, stderr } = await ferry(["request", ...args, server.url], { stdin: "" });
    assertEquals([args, code], [args, 2], stderr);
    assertStringIncludes(stderr, "--continue");
    assertStringIncludes(stderr, text);
  }
  assertEquals(server.visits.length, 1);
});
