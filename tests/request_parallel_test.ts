import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ENV, ferry, ferryCommand, serve, sha256, tempDir } from "./harness.ts";
import { hostile, silence } from "./hostile_server.ts";

/** Answers each request only when so many are there at the same time; `/N` with N times its own digit. */
function together(count: number) {
  let waiting: (() => void)[] = [];
  return hostile(async (visit) => {
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
      if (waiting.length < count) return;
      // The last one first.
      for (const go of waiting.reverse()) go();
      waiting = [];
    });
    await visit.answer("200 OK", visit.target.slice(1).repeat(100_000));
  });
}

Deno.test("request --parallel asks for so many URLs at a time, and bodies on stdout keep their order", async () => {
  await using server = together(4);
  const urls = [..."12345678"].map((digit) => `${server.url}/${digit}`);
  const run = await ferry(["request", "--parallel", "4", "--json", ...urls]);
  assertEquals(run.code, 0, run.stderr);
  assert(run.stdout === [..."12345678"].map((digit) => digit.repeat(100_000)).join(""), "they are mixed");
  const lines = run.stderr.trim().split("\n").map((line) => JSON.parse(line));
  assertEquals(lines.map((line) => line.url).sort(), urls);
  assert(lines.every((line) => line.status === 200 && line.bytes === 100_000));
});

Deno.test("request -I and -i keep heads with their URLs when several come at a time", async () => {
  await using server = together(3);
  const urls = [..."123"].map((digit) => `${server.url}/${digit}`);
  const run = await ferry(["request", "--parallel", "3", "-i", ...urls]);
  assertEquals(run.code, 0, run.stderr);
  const pieces = run.stdout.split(/HTTP\/1\.1 200 OK\n(?:.+\n)+\n/).slice(1);
  assertEquals(
    pieces.map((text) => [text.length, new Set(text).size, text[0]]),
    [..."123"].map((digit) => [100_000, 1, digit]),
  );
});

Deno.test("request takes 16 files at a time by itself", async () => {
  await using server = together(16);
  using dir = tempDir();
  const run = await ferry(["request", "--output-dir", dir.path, "--json", `${server.url}/[10-25]`]);
  assertEquals([run.code, run.stderr], [0, ""]);
  const lines = run.stdout.trim().split("\n").map((line) => JSON.parse(line));
  assertEquals(lines.length, 16);
  for (const { path, bytes, sha256: told } of lines) {
    const content = Deno.readFileSync(path);
    assertEquals([content.length, await sha256(content)], [bytes, told]);
  }
});

Deno.test("request goes on when some of many URLs fail, and ends with the status of the worst", async () => {
  await using server = hostile((visit) => {
    if (visit.target.startsWith("/gone")) return visit.answer("404 Not Found", "");
    if (visit.target === "/secret") return visit.answer("403 Forbidden", "");
    return visit.answer("200 OK", "x");
  });
  const cases: [paths: string[], code: number][] = [
    [["gone1", "gone2"], 22],
    [["gone1", "a", "b"], 22],
    [["gone1", "secret", "a"], 67],
    [["secret", "gone1", "a"], 67],
    [["a", "missing/../none/deep"], 0],
  ];
  await Promise.all(cases.map(async ([paths, code]) => {
    using dir = tempDir();
    const args = paths.flatMap((path, index) => ["-o", dir.at(`${index}`), `${server.url}/${path}`]);
    const run = await ferry(["request", "-q", "--json", ...args]);
    assertEquals([paths, run.code], [paths, code], run.stderr);
    const lines = run.stdout.trim().split("\n").map((line) => JSON.parse(line));
    assertEquals(lines.length, paths.length);
    for (const { status, path, error } of lines) {
      assertEquals(status >= 400, error !== undefined);
      assertEquals(
        [...Deno.readDirSync(dir.path)].some(({ name }) => path.endsWith("/" + name)),
        status < 400,
      );
    }
    const told = run.stderr.trim().split("\n").filter((line) => line !== "");
    assertEquals(told.length, lines.filter((line) => line.error).length);
    assert(told.every((line) => line.startsWith(`ferry: ${server.url}/`)), run.stderr);
  }));
});

Deno.test("request never lets two URLs of one call write the same file, whatever the order", async () => {
  await using server = together(2);
  using dir = tempDir();
  const [same, other] = [`${server.url}/7?a`, `${server.url}/7?b`];
  const run = await ferry(["request", "--json", "--output-dir", dir.path, same, other, `${server.url}/8`]);
  assertEquals(run.code, 23);
  assertStringIncludes(run.stderr, "an earlier URL of this call went there");
  assertEquals([...Deno.readDirSync(dir.path)].map(({ name }) => name).sort(), ["7", "8"]);
});

Deno.test("request asks for every URL, however many of the files before cannot be written", async () => {
  const names = Array.from({ length: 20 }, (_, index) => `f${index}`);
  using source = tempDir(Object.fromEntries(names.map((name) => [name, name])));
  // A folder stands where each part would be but that of the last.
  using dir = tempDir(Object.fromEntries(names.slice(0, -1).map((name) => [`${name}.ferry-part/x`, ""])));
  await using server = await serve(source.path);
  const urls = names.map((name) => `${server.url}/${name}`);
  const run = await ferry([
    "request",
    "--parallel",
    "1",
    "--timeout",
    "5s",
    "--output-dir",
    dir.path,
    ...urls,
  ]);
  assertEquals([run.code, run.stderr.match(/is a directory/g)?.length], [23, 19], run.stderr);
  assertEquals(Deno.readTextFileSync(dir.at("f19")), "f19");
});

Deno.test("request lets no URL write the file of an earlier one by another name of it, or one after the other", async () => {
  await using server = hostile(({ target, answer }) => {
    const [path, name = "same"] = target.slice(1).split("?");
    return answer("200 OK", path, `Content-Disposition: attachment; filename="${name}"`);
  });
  const [a, b] = [`${server.url}/a/f`, `${server.url}/b/f`];
  const cases: [args: string[], code: number, files: Record<string, string>][] = [
    [["--parallel", "1", "-O", a, b], 23, { f: "a/f" }],
    [["--parallel", "1", "-o", "f", "-o", "./f", a, b], 23, { f: "a/f" }],
    [["-o", "f", "-o", "sub/../f", a, a], 23, { f: "a/f" }],
    [["--parallel", "1", "-o", "f", "-o", "link", a, b], 23, { f: "a/f", link: "a/f" }],
    [["--parallel", "1", "-J", "--overwrite", a, b], 23, { same: "a/f" }],
    // Each has a name of its own.
    [["-J", "--overwrite", `${a}?one`, `${b}?two`], 0, { one: "a/f", two: "b/f" }],
    [["--parallel", "1", "-J", a, b], 0, { same: "a/f", "same (1)": "b/f" }],
  ];
  await Promise.all(cases.map(async ([args, code, files]) => {
    using dir = tempDir();
    Deno.mkdirSync(dir.at("sub"));
    if (args.includes("link")) Deno.symlinkSync("f", dir.at("link"));
    const run = await ferry(["request", ...args], { cwd: dir.path });
    assertEquals([args, run.code], [args, code], run.stderr);
    if (code === 23) assertStringIncludes(run.stderr, "an earlier URL of this call went there");
    const there = [...Deno.readDirSync(dir.path)].filter(({ name }) => name !== "sub")
      .map(({ name }) => [name, Deno.readTextFileSync(dir.at(name))]);
    assertEquals(Object.fromEntries(there), files);
  }));
});

Deno.test("request --parallel is 1 for what changes things, so that their order stays", async () => {
  let atWork = 0;
  const seen: string[] = [];
  await using server = hostile(async (visit) => {
    seen.push(`${visit.method} ${visit.target}${atWork++ > 0 ? " too early" : ""}`);
    await visit.answer("204 No Content");
    atWork--;
  });
  const run = await ferry(["request", "DELETE", `${server.url}/{a,b,c}`]);
  assertEquals([run.code, seen], [0, ["DELETE /a", "DELETE /b", "DELETE /c"]]);
});

Deno.test("request ends all that is under way at SIGINT, and keeps the parts", async () => {
  const { promise: all, resolve } = Promise.withResolvers<void>();
  let open = 0;
  await using server = hostile(async (visit) => {
    await visit.head("HTTP/1.1 200 OK", "Content-Length: 4000000", 'ETag: "v"');
    await visit.send("x".repeat(2_000_000));
    if (++open === 3) resolve();
    await silence();
  });
  using dir = tempDir();
  const args = ["request", "--parallel", "3", "--output-dir", dir.path, `${server.url}/[1-9]`];
  const command = ferryCommand(args);
  const child = new Deno.Command(command.path, {
    args: command.args,
    env: ENV,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  await all;
  // They have been sent; that they have been written as well is seen in the folder.
  const sizes = () => ["1", "2", "3"].map((name) => sizeOf(dir.at(`${name}.ferry-part`)));
  while (sizes().some((size) => size < 1_500_000)) await new Promise((resolve) => setTimeout(resolve, 5));
  child.kill("SIGINT");
  assertEquals((await child.status).code, 130);
  const names = [...Deno.readDirSync(dir.path)].map(({ name }) => name).sort();
  assertEquals(names, ["1", "2", "3"].flatMap((name) => [`${name}.ferry-part`, `${name}.ferry-part.json`]));
  assertEquals(server.visits.length, 3);
});

function sizeOf(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch {
    return 0;
  }
}

Deno.test("request refuses a --parallel that makes no sense", async () => {
  for (const value of ["0", "1001", "many"]) {
    const run = await ferry(["request", "--parallel", value, "http://127.0.0.1:9/"]);
    assertEquals(run.code, 2);
    assertStringIncludes(run.stderr, "--parallel");
  }
});
