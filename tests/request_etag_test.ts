/** `ferry request --etag-save` and `--etag-compare`: what has not changed is not fetched again. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ferry, serve, tempDir } from "./harness.ts";
import { hostile } from "./hostile_server.ts";

Deno.test("request --etag-compare fetches what has changed, and is 0 for what has not", async () => {
  using shared = tempDir({ "f": "one" });
  using dir = tempDir();
  await using server = await serve(shared.path);
  const etags = ["--etag-compare", dir.at("etag"), "--etag-save", dir.at("etag")];
  const fetch = async (...args: string[]) => {
    const run = await ferry(["request", ...etags, "-w", "%{status}", ...args, server.url + "/f"]);
    assertEquals(run.code, 0, run.stderr);
    return run.stdout;
  };
  const save = ["-o", dir.at("copy")];
  assertEquals(await fetch(...save), "200");
  const first = Deno.readTextFileSync(dir.at("etag"));
  assert(/^"[^"]+"\n$/.test(first), first);
  assertEquals(await fetch(...save), "304");
  assertEquals([Deno.readTextFileSync(dir.at("copy")), Deno.readTextFileSync(dir.at("etag"))], [
    "one",
    first,
  ]);
  // Into a pipe, and for the headers alone.
  assertEquals(await fetch(), "304");
  assertEquals((await fetch("-I")).split("\n")[0], "HTTP/1.1 304 Not Modified");
  // "Not changed" would bring back no copy that is gone.
  Deno.removeSync(dir.at("copy"));
  assertEquals(await fetch(...save), "200");
  Deno.writeTextFileSync(shared.at("f"), "two!");
  assertEquals(await fetch(...save), "200");
  assertEquals(Deno.readTextFileSync(dir.at("copy")), "two!");
  assert(Deno.readTextFileSync(dir.at("etag")) !== first);
  assertEquals([...Deno.readDirSync(dir.path)].map(({ name }) => name).sort(), ["copy", "etag"]);
});

Deno.test("request --etag-save writes the ETag of what came whole, and of nothing else", async () => {
  const answers: Record<string, [status: string, ...headers: string[]]> = {
    "/none": ["404 Not Found", 'ETag: "n"'],
    "/plain": ["200 OK"],
    "/odd": ["200 OK", "ETag: not one"],
    "/weak": ["200 OK", 'ETag: W/"w"'],
    "/away": ["302 Found", 'ETag: "a"', "Location: /weak"],
  };
  await using server = hostile(async (visit) => {
    if (visit.target !== "/cut") {
      const [status, ...headers] = answers[visit.target];
      return await visit.answer(status, "x", ...headers);
    }
    await visit.head("HTTP/1.1 200 OK", "Content-Length: 9", 'ETag: "c"');
    await visit.send("x");
  });
  const cases: [args: string[], code: number, saved: string][] = [
    [["/none"], 22, '"old"\n'],
    [["--no-fail", "/none"], 0, '"old"\n'],
    [["--no-location", "/away"], 0, '"old"\n'],
    [["/cut"], 18, '"old"\n'],
    [["--checksum", "sha256:" + "0".repeat(64), "/weak"], 43, '"old"\n'],
    [["/plain"], 0, ""],
    [["/odd"], 0, ""],
    [["/weak"], 0, 'W/"w"\n'],
    [["/away"], 0, 'W/"w"\n'],
  ];
  await Promise.all(cases.map(async ([args, code, saved]) => {
    using dir = tempDir({ "etag": '"old"\n' });
    const all = args.map((arg) => arg.startsWith("/") ? server.url + arg : arg);
    const run = await ferry([
      "request",
      "--retry",
      "0",
      "--etag-save",
      dir.at("etag"),
      "-o",
      dir.at("f"),
      ...all,
    ]);
    assertEquals([args, run.code, Deno.readTextFileSync(dir.at("etag"))], [args, code, saved], run.stderr);
  }));
});

Deno.test("request --etag-save writes through links, and into devices and pipes as they are", async () => {
  await using server = hostile((visit) => visit.answer("200 OK", "x", 'ETag: "e"'));
  using dir = tempDir({ "etag": "" });
  Deno.symlinkSync("etag", dir.at("link"));
  // Another name of /dev/full: the device itself is not at stake.
  Deno.symlinkSync("/dev/full", dir.at("full"));
  const save = async (to: string) =>
    await ferry(["request", "-o", dir.at("f"), "--etag-save", to, server.url], { cwd: dir.path });
  assertEquals((await save("link")).code, 0);
  assertEquals([Deno.readTextFileSync(dir.at("etag")), Deno.lstatSync(dir.at("link")).isSymlink], [
    '"e"\n',
    true,
  ]);
  const full = await save("full");
  assertEquals(full.code, 23);
  assertStringIncludes(full.stderr, "cannot write full: no space left on device");
  assert(Deno.lstatSync(dir.at("full")).isSymlink && !Deno.statSync(dir.at("full")).isFile);
  const piped = await save("/dev/stdout");
  assertEquals([piped.code, piped.stdout], [0, '"e"\n'], piped.stderr);
});

Deno.test("request refuses what --etag-save and --etag-compare cannot be, before it asks anybody", async () => {
  await using server = hostile((visit) => visit.answer("200 OK"));
  using dir = tempDir({ "etag": '"e"', "odd": "no etag\n", "list": "" });
  const url = server.url + "/f";
  const compare = ["--etag-compare", dir.at("etag")];
  const cases: [string[], number, string][] = [
    [["--etag-compare", dir.at("odd"), url], 2, dir.at("odd")],
    [["--etag-compare", dir.path, url], 26, dir.path],
    [["--etag-save", dir.at("none/etag"), url], 23, dir.at("none")],
    [["--etag-save", dir.path, url], 23, dir.path],
    [["--etag-save", dir.at("f"), "-o", `${dir.path}/./f`, url], 2, "one file"],
    [[...compare, url, url], 2, "several"],
    [[...compare, server.url + "/[1-2]"], 2, "several"],
    [[...compare, "--input", dir.at("list")], 2, "--input"],
    [[...compare, "-d", "x", url], 2, "POST"],
    [[...compare, "-H", 'If-None-Match: "x"', url], 2, "condition"],
    [[...compare, "--if-newer", dir.at("odd"), url], 2, "condition"],
    [[...compare, "-C", "-o", dir.at("f"), url], 2, "--continue"],
    [["--etag-save", dir.at("etag"), "--segments", "2", "-o", dir.at("f"), url], 2, "--segments"],
    [["--etag-save", dir.at("etag"), "--recursive", server.url + "/"], 2, "--recursive"],
  ];
  await Promise.all(cases.map(async ([args, code, text]) => {
    const run = await ferry(["request", ...args]);
    assertEquals([args, run.code], [args, code], run.stderr);
    assertStringIncludes(run.stderr, text);
  }));
  assertEquals(server.visits.length, 0);
});
