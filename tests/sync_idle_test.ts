/** Runs with nothing to do: what they ask of servers, and that nothing which has to be seen is passed over. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { libc } from "../lib/store/libc.ts";
import { canWatch } from "../lib/store/index/watches.ts";
import { freePort } from "../bench/daemon.ts";
import { serve, type Server, tempDir, treeDigest } from "./harness.ts";
import { assertNothing, sync, type SyncRun } from "./sync_fixtures.ts";

const READY = libc() !== null && canWatch(Deno.env.get("TMPDIR") ?? "/tmp");

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: !READY, fn });
}

/** Waits until the server knows its share. */
async function ready(server: Server, headers: Record<string, string> = {}): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    const response = await fetch(`${server.url}/.ferry/v1/head?path=`, { headers });
    await response.body?.cancel();
    if (response.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`no head: ${server.log()}`);
}

let marks = 0;

/** Where the log of the server has come to: what was answered before stands before that. */
async function logged(server: Server): Promise<number> {
  const mark = `/.ferry/health?mark=${++marks} `;
  await (await fetch(server.url + mark.trim())).body?.cancel();
  while (!server.log().includes(mark)) await new Promise((resolve) => setTimeout(resolve, 5));
  return server.log().indexOf(mark);
}

/** The calls of the API that each of `servers` answers during `act`, as `GET head 304`. */
async function calls<T>(servers: Server[], act: () => Promise<T>): Promise<{ run: T; calls: string[][] }> {
  const from = await Promise.all(servers.map(logged));
  const run = await act();
  const to = await Promise.all(servers.map(logged));
  const told = servers.map((server, i) =>
    [...server.log().slice(from[i], to[i]).matchAll(/"(\w+) \/\.ferry\/v1\/([^ ?"]*)[^"]*" (\d+)/g)]
      .map(([, method, call, status]) => `${method} ${call} ${status}`)
  );
  return { run, calls: told };
}

const bytes = ({ done }: SyncRun) => Number(done.bytes_sent) + Number(done.bytes_received);

/** A server with some files, and an empty one that may be pushed to. */
const TREE = { "src/a": "a", "src/d/b": "b", "dst": null, "here": null, "home": null };

for (const way of ["through the client", "by jobs"]) {
  test(`between two servers it asks each whether its head still holds, ${way}`, async () => {
    using dir = tempDir(TREE);
    await using from = await serve(dir.at("src"));
    const writer = way === "by jobs" ? ["--anonymous", "rwds", "--peer", from.url] : ["--writable"];
    await using to = await serve(dir.at("dst"), writer);
    const env = { XDG_STATE_HOME: dir.at("home") };
    const run = (...more: string[]) => sync([...more, from.url, to.url], { env });
    assertEquals((await run()).changes.length, 3);
    await Promise.all([ready(from), ready(to)]);
    // Here it learns the heads.
    assertNothing(await run());
    for (const flags of [[], ["--delete"], ["--dry-run"]]) {
      const again = await calls([from, to], () => run(...flags));
      assertNothing(again.run);
      assertEquals(again.calls, [["GET head 304"], ["GET head 304"]]);
      assertEquals([again.run.done.files, bytes(again.run)], [2, 0]);
    }
    // A client without any memory asks as often.
    const other = await calls([from, to], () => sync([from.url, to.url]));
    assertNothing(other.run);
    assertEquals(other.calls, [["GET head 200"], ["GET head 200"]]);

    for (const side of ["src", "dst"]) {
      Deno.writeTextFileSync(dir.at(`${side}/d/b`), `changed in ${side}`);
      assertEquals((await run()).changes, ["update d/b"], side);
      assertEquals(Deno.readTextFileSync(dir.at("dst/d/b")), "changed in src");
    }
    assertEquals(await treeDigest(dir.at("dst")), await treeDigest(dir.at("src")));
  });
}

test("between a folder here and a server it makes one call", async () => {
  using dir = tempDir(TREE);
  await using from = await serve(dir.at("src"));
  await using to = await serve(dir.at("dst"), ["--writable"]);
  const env = { XDG_STATE_HOME: dir.at("home") };
  const ways = [[from, from.url, dir.at("here")], [to, dir.at("here"), to.url]] as const;
  for (const [server, ...args] of ways) {
    assertEquals((await sync(args, { env })).changes.length, 3);
    await ready(server);
    assertNothing(await sync(args, { env }));
    const again = await calls([server], () => sync(args, { env }));
    assertNothing(again.run);
    assertEquals(again.calls, [[server === from ? "GET changes 200" : "GET head 304"]]);
    assert(bytes(again.run) < 512, `${bytes(again.run)}`);
  }
});

test("an index that was restored from a backup does not pass for what it was later", async () => {
  using dir = tempDir({ ...TREE, "state": null });
  const shell = (script: string) => {
    assert(new Deno.Command("sh", { args: ["-ec", script], cwd: dir.path }).outputSync().success);
  };
  await using to = await serve(dir.at("dst"), ["--writable"]);
  // The same port, so that it is the same place.
  const port = String(freePort());
  const again = () => serve(dir.at("src"), ["--state-dir", dir.at("state"), "--port", port]);
  const env = { XDG_STATE_HOME: dir.at("home") };
  const tags: (string | null)[] = [];
  const round = async (text: string) => {
    await using from = await again();
    await ready(from);
    Deno.writeTextFileSync(dir.at("src/a"), text);
    for (let i = 0; i < 2; i++) assertEquals((await sync([from.url, to.url], { env })).code, 0);
    const head = await fetch(`${from.url}/.ferry/v1/head?path=`);
    tags.push(head.headers.get("etag"));
    await head.body?.cancel();
    assertEquals(Deno.readTextFileSync(dir.at("dst/a")), text);
  };
  await round("first");
  shell("cp -a src backup; cp -a state state.backup");
  await round("second");
  shell("rm -rf src/* state; cp -a backup/. src; cp -a state.backup state");
  await round("other!");
  assert(tags[1] !== tags[2]);
});

test("a share that lost its mark is told of although nothing changed", async () => {
  using dir = tempDir({ ...TREE, "state": null });
  const env = { XDG_STATE_HOME: dir.at("home") };
  await using from = await serve(dir.at("src"));
  await using to = await serve(dir.at("dst"), ["--writable", "--state-dir", dir.at("state")]);
  for (let i = 0; i < 3; i++) {
    assertEquals((await sync([from.url, to.url], { env })).code, 0);
    assertEquals((await sync([dir.at("src"), to.url], { env })).code, 0);
    await Promise.all([ready(from), ready(to)]);
  }
  const mark = dir.at("dst/.ferry/replica");
  const kept = Deno.readFileSync(mark);
  Deno.removeSync(mark);
  for (const args of [[from.url, to.url], [dir.at("src"), to.url], [to.url, dir.at("here")]]) {
    const run = await sync(args, { env });
    assertEquals(run.code, 41, args.join(" "));
    assertStringIncludes(run.stderr, "has lost its .ferry/replica");
  }
  Deno.writeFileSync(mark, kept);
  assertNothing(await sync([from.url, to.url], { env }));
});

test("who may not write has nothing to do either; who may not see all is told nothing by a head", async () => {
  using dir = tempDir(TREE);
  const env = { XDG_STATE_HOME: dir.at("home") };
  await using from = await serve(dir.at("src"));
  const users = ["ann:pw", "bob:pw@/:r,/d:none", "carl:pw@/:r"].flatMap((user) => ["--auth", user]);
  await using to = await serve(dir.at("dst"), ["--anonymous", "none", ...users]);
  const run = (user: string) => sync([from.url, to.url.replace("http://", `http://${user}:pw@`)], { env });
  assertEquals((await run("ann")).changes.length, 3);
  await ready(from);
  await ready(to, { authorization: `Basic ${btoa("carl:pw")}` });
  for (let i = 0; i < 2; i++) assertNothing(await run("carl"));
  const { run: refused, calls: [told] } = await calls([to], () => run("bob"));
  assertEquals(told[0], "GET head 404");
  // To bob there is no folder d, and he may make none.
  assertEquals([refused.code, refused.changes], [67, []], refused.stderr);
});
