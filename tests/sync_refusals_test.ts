import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ferry, serve, tempDir, treeDigest } from "./harness.ts";
import { canDropRights, ferryWithoutRights, giveAway, paths } from "./sync_fixtures.ts";

interface Refusal {
  args: string[];
  code: number;
  /** What its one line on stderr must say. */
  text: string;
}

async function assertRefused(cases: readonly Refusal[]): Promise<void> {
  for (const { args, code, text } of cases) {
    const run = await ferry(["sync", ...args]);
    assertEquals([args, run.code, run.stdout], [args, code, ""], run.stderr);
    assertStringIncludes(run.stderr, text);
    assertEquals(run.stderr.trimEnd().split("\n").length, 1, run.stderr);
    assert(!run.stderr.includes("internal error"), run.stderr);
  }
}

Deno.test("sync says in one line what it was not given, and touches nothing", async () => {
  using dir = tempDir({ "src/f": "x", "file": "x", "dst/g": "y" });
  const [src, dst, none] = [dir.at("src"), dir.at("dst"), dir.at("none")];
  const before = await treeDigest(dir.path, { dirTimes: true });
  await assertRefused([
    { args: [], code: 2, text: "usage: ferry sync" },
    { args: [src], code: 2, text: "usage: ferry sync" },
    { args: [src, dst, "third"], code: 2, text: "third" },
    { args: ["--dellete", src, dst], code: 2, text: "did you mean --delete?" },
    { args: ["--max-delete", "many", src, dst], code: 2, text: "--max-delete many" },
    { args: ["--max-delete", "101%", src, dst], code: 2, text: "--max-delete 101%" },
    { args: ["--bwlimit", "fast", src, dst], code: 2, text: "--bwlimit fast" },
    { args: ["--bwlimit", "0", src, dst], code: 2, text: "--bwlimit 0" },
    { args: ["--parallel", "0", src, dst], code: 2, text: "--parallel 0" },
    { args: ["--parallel", "65", src, dst], code: 2, text: "--parallel 65" },
    { args: ["", dst], code: 2, text: "empty" },
    { args: [none, dst], code: 41, text: none },
    { args: [none + "/deep", dir.at("new")], code: 41, text: none },
    { args: [dir.at("file/below"), dir.at("new")], code: 41, text: "file/below" },
    { args: [dir.at("file"), dst], code: 2, text: dir.at("file") },
    { args: [src, dir.at("file")], code: 2, text: dir.at("file") },
    { args: [src, dir.at("file/below")], code: 23, text: dir.at("file/below") },
    { args: [src, dir.at("file/below/deep")], code: 23, text: dir.at("file/below/deep") },
    { args: ["ftp://h/", dst], code: 3, text: "ftp" },
    { args: [src, "http://"], code: 3, text: "http://" },
    { args: ["http://h/?query", dst], code: 3, text: "h/: a folder's URL has no query" },
    { args: ["http://u:geheim@h/a#b", dst], code: 3, text: "h/a: a folder's URL has no query or fragment" },
    { args: [src, "files.example:dst"], code: 3, text: "./files.example:dst" },
    { args: ["me@files.example:/src", dst], code: 3, text: "me@files.example:/src looks like a server" },
    { args: [src, "127.0.0.1:8420/dst"], code: 3, text: "http://HOST:PORT/PATH" },
    { args: ["--token", "t", src, dst], code: 2, text: "--token" },
    { args: ["--src-token", "t", src, "http://127.0.0.1:1/"], code: 2, text: "--src-token: SRC" },
    { args: ["--dst-token", "t", "http://127.0.0.1:1/", dst], code: 2, text: "--dst-token: DST" },
    { args: ["--token", "", src, "http://127.0.0.1:1/"], code: 2, text: "--token: is empty" },
    { args: ["--dst-token", "a b", src, "http://127.0.0.1:1/"], code: 2, text: "--dst-token: is empty or" },
    { args: ["http://127.0.0.1:1/", dst], code: 7, text: "127.0.0.1:1" },
    { args: [src, "http://127.0.0.1:1/"], code: 7, text: "127.0.0.1:1" },
    { args: ["http://no-such-host.invalid/", dst], code: 6, text: "no-such-host.invalid" },
    { args: ["http://user:geheim@127.0.0.1:1/", dst], code: 7, text: "127.0.0.1:1" },
  ]);
  assertEquals(await treeDigest(dir.path, { dirTimes: true }), before);
});

Deno.test("sync never prints a password", async () => {
  using dir = tempDir({ "src/f": "x" });
  await using server = await serve(dir.at("src"), ["--auth", "ann:geheim", "--anonymous", "none"]);
  const url = (user: string) => server.url.replace("//", `//${user}@`);
  for (
    const from of [
      url("ann:geheim"),
      url("ann:geheim2"),
      url("ann:geheim") + "/none",
      "http://ann:geheim@127.0.0.1:1/",
    ]
  ) {
    for (const json of [[], ["--json"]]) {
      const run = await ferry(["sync", ...json, from, dir.at("dst")]);
      assert(!(run.stdout + run.stderr).includes("geheim"), run.stderr);
    }
  }
  assert(!server.log().includes("geheim"));
});

Deno.test("sync ends with what the server's refusal means, and names the server", async () => {
  using dir = tempDir({
    "src/f": "x",
    "share/own": "precious",
    "share/sub/deep": "d",
    "share/file": "x",
    "dst": null,
  });
  await using readOnly = await serve(dir.at("share"));
  await using closed = await serve(dir.at("share"), ["--auth", "ann:pw@/:r,/sub:rw", "--anonymous", "none"]);
  await using append = await serve(dir.at("share"), ["--anonymous", "rw"]);
  const url = (user: string) => closed.url.replace("//", `//${user}@`);
  const [src, dst] = [dir.at("src"), dir.at("dst")];
  const host = (server: { url: string }) => new URL(server.url).host;
  const before = await treeDigest(dir.at("share"), { dirTimes: true });
  await assertRefused([
    { args: [src, readOnly.url], code: 67, text: host(readOnly) },
    { args: [src, closed.url], code: 67, text: host(closed) },
    { args: [closed.url, dst], code: 67, text: host(closed) },
    { args: [src, url("ann:wrong")], code: 67, text: host(closed) },
    { args: [url("ann:wrong"), dst], code: 67, text: host(closed) },
    { args: [src, url("ann:pw")], code: 67, text: host(closed) },
    { args: ["--delete", "--force", src, url("ann:pw") + "/sub"], code: 67, text: "deleting" },
    { args: ["--delete", "--force", src, append.url], code: 67, text: "deleting" },
    { args: ["--token", "nonsense", src, closed.url], code: 67, text: host(closed) },
    { args: [readOnly.url + "/none", dst], code: 41, text: "/none" },
    { args: [readOnly.url + "/file", dst], code: 2, text: "/file" },
    { args: [readOnly.url + "/.ferry/", dst], code: 3, text: "/.ferry/" },
    { args: [readOnly.url + "/a%2fb/", dst], code: 3, text: "a%2fb" },
    { args: [src, append.url + "/file"], code: 2, text: "/file" },
  ]);
  assertEquals(await treeDigest(dir.at("share"), { dirTimes: true }), before);
  assertEquals(paths(dst), []);
  // What is allowed works with the same words.
  assertEquals((await ferry(["sync", src, url("ann:pw") + "/sub/"])).code, 0);
  assertEquals((await ferry(["sync", src, append.url])).code, 0);
  assertEquals([Deno.readTextFileSync(dir.at("share/sub/f")), Deno.readTextFileSync(dir.at("share/f"))], [
    "x",
    "x",
  ]);
});

Deno.test("sync says that a server is not Ferry's", async () => {
  using dir = tempDir({ "src/f": "x" });
  for (const status of [200, 404]) {
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      () => new Response("<html>", { status, headers: { "content-type": "text/html" } }),
    );
    const run = await ferry(["sync", `http://127.0.0.1:${server.addr.port}/`, dir.at("dst")]);
    await server.shutdown();
    assertEquals([run.code, paths(dir.path)], [22, ["src", "src/f"]]);
    assertStringIncludes(run.stderr, "is not on a Ferry server");
  }
});

Deno.test("sync and a server of another version name both, and nothing is written", async () => {
  using dir = tempDir({ "src/f": "x", "share": null });
  await using server = await serve(dir.at("share"), ["--writable"]);
  const response = await fetch(`${server.url}/.ferry/v2/info?path=`);
  const { status, detail } = await response.json();
  assertEquals([status, detail], [404, "version 2 of the sync API is not spoken here, only version 1"]);
  // What version 1 would hear from a server that has given it up.
  const headers = { "content-type": "application/problem+json" };
  const body = JSON.stringify({ status, detail: "version 1 is not spoken here, only version 2" });
  const newer = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response(body, { status: 404, headers }),
  );
  const run = await ferry(["sync", dir.at("src"), `http://127.0.0.1:${newer.addr.port}/`]);
  await newer.shutdown();
  assertEquals([run.code, run.stdout], [22, ""]);
  assertStringIncludes(run.stderr, "version 1 is not spoken here, only version 2");
});

Deno.test("sync takes a folder whose name looks like a server's when it is there, or spelled as a path", async () => {
  using dir = tempDir({ "src:1/f": "x" });
  const run = (...args: string[]) => ferry(["sync", "-q", ...args], { cwd: dir.path });
  assertEquals((await run("src:1", "./dst:1")).code, 0);
  assertEquals((await run("dst:1", dir.at("dst:2"))).code, 0);
  assertEquals(paths(dir.at("dst:2")).includes("f"), true);
});

Deno.test("sync passes over an empty FERRY_TOKEN", async () => {
  using dir = tempDir({ "src/f": "x" });
  await using server = await serve(dir.at("src"));
  const run = await ferry(["sync", server.url, dir.at("dst")], { env: { FERRY_TOKEN: "" } });
  assertEquals(run.code, 0, run.stderr);
});

Deno.test("sync names a destination that it may not write, and leaves it alone", async () => {
  if (!canDropRights()) return;
  using dir = tempDir({
    "src/f": "x",
    "dst/old": "old",
    "closed/sub/f": "x",
    "unreadable/f": "x",
    "serve/old": "old",
  });
  giveAway(dir.at("dst"), 0o755);
  giveAway(dir.at("closed"), 0o700);
  giveAway(dir.at("unreadable"), 0o711);
  for (const path of ["dst", "dst/new", "closed/sub", "closed/new/deep", "unreadable"]) {
    const run = await ferryWithoutRights(["sync", dir.at("src"), dir.at(path)]);
    assertEquals([path, run.code, run.stdout], [path, 23, ""], run.stderr);
    assertStringIncludes(run.stderr, dir.at(path).slice(0, dir.path.length + 4));
    assertStringIncludes(run.stderr, "permission denied");
  }
  for (const path of ["closed/sub", "unreadable"]) {
    assertEquals((await ferryWithoutRights(["sync", dir.at(path), dir.at("dst")])).code, 26, path);
  }
  assertEquals(paths(dir.at("dst")), ["old"]);
});
