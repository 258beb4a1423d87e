import { assertEquals, assertStringIncludes } from "@std/assert";
import { ferry, serve, tempDir } from "./harness.ts";
import { hostile } from "./hostile_server.ts";

/** Lets `path` have been changed so many seconds after the beginning of 2023. */
function changed(path: string, seconds: number): void {
  const time = Date.UTC(2023, 0, 1) / 1000 + seconds;
  Deno.utimeSync(path, time, time);
}

Deno.test("request --if-newer fetches what was changed after the file, and nothing else", async () => {
  using dir = tempDir({ "a": "from the server" });
  using here = tempDir({ "stamp": "" });
  changed(dir.at("a"), 100);
  await using server = await serve(dir.path);
  const get = (...args: string[]) => ferry(["request", ...args, server.url + "/a"], { cwd: here.path });
  changed(here.at("stamp"), 100);
  const same = await get("--if-newer", "stamp");
  assertEquals([same.code, same.stdout, same.stderr], [0, "", ""]);
  changed(here.at("stamp"), 99);
  assertEquals((await get("--if-newer", "stamp")).stdout, "from the server");
  // Nothing is here yet, and then it is.
  assertEquals((await get("--if-newer", "copy", "-o", "copy")).code, 0);
  assertEquals(Deno.readTextFileSync(here.at("copy")), "from the server");
  Deno.writeTextFileSync(here.at("copy"), "mine");
  const again = await get("--if-newer", "copy", "-o", "copy", "--json");
  const told = JSON.parse(again.stdout);
  // Nothing came that it could be the digest of.
  assertEquals([again.code, told.status, told.bytes, told.sha256], [0, 304, 0, undefined]);
  assertEquals(Deno.readTextFileSync(here.at("copy")), "mine");
  assertEquals([...Deno.readDirSync(here.path)].map(({ name }) => name).sort(), ["copy", "stamp"]);
  const head = await get("--if-newer", "copy", "-I");
  assertEquals(head.code, 0);
  assertStringIncludes(head.stdout, "304");
});

Deno.test("request --if-newer looks itself where the server does not", async () => {
  await using server = hostile((visit) =>
    visit.answer("200 OK", "old", "Last-Modified: Sun, 01 Jan 2023 00:01:40 GMT")
  );
  using here = tempDir({ "copy": "mine" });
  const get = () =>
    ferry(["request", "--if-newer", here.at("copy"), "-o", here.at("copy"), server.url + "/x"]);
  changed(here.at("copy"), 150);
  assertEquals([(await get()).code, Deno.readTextFileSync(here.at("copy"))], [0, "mine"]);
  assertEquals(server.visits[0].headers.get("if-modified-since"), "Sun, 01 Jan 2023 00:02:30 GMT");
  changed(here.at("copy"), 50);
  assertEquals([(await get()).code, Deno.readTextFileSync(here.at("copy"))], [0, "old"]);
});

Deno.test("request --if-newer refuses what makes no sense", async () => {
  using here = tempDir({ "file": "" });
  const cases: [args: string[], says: string][] = [
    [["--if-newer", here.path], "it is not a file"],
    [["--if-newer", here.at("file"), "-d", "x"], "--if-newer goes with GET and --head, not with POST"],
    [["--if-newer", here.at("file"), "-H", "If-None-Match: *"], "--header has another one"],
  ];
  for (const [args, says] of cases) {
    const run = await ferry(["request", ...args, "http://127.0.0.1:9/"]);
    assertEquals(run.code, 2);
    assertStringIncludes(run.stderr, says);
  }
});
