import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { canWatch } from "../lib/store/index/watches.ts";
import { IN_SHARE, serve, type Server, tempDir, treeDigest } from "./harness.ts";
import { assertNothing, makeOddTree, paths, sync } from "./sync_fixtures.ts";

const WATCHED = canWatch(Deno.env.get("TMPDIR") ?? "/tmp");

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: !WATCHED, fn });
}

interface Answer {
  status: number;
  etag: string | null;
  // deno-lint-ignore no-explicit-any -- whatever JSON comes
  body: any;
}

/** `GET head` and the like. */
async function get(server: Server, call: string, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await fetch(`${server.url}/.ferry/v1/${call}`, { headers });
  const text = await response.text();
  const lines = text.split("\n").filter((line) => line !== "");
  return {
    status: response.status,
    etag: response.headers.get("etag"),
    body: response.headers.get("content-type") === "application/x-ndjson"
      ? lines.map((line) => JSON.parse(line))
      : text === ""
      ? null
      : JSON.parse(text),
  };
}

/** The head, once the server knows its share: it begins to learn it with the first call that asks. */
async function head(server: Server, path = "", headers: Record<string, string> = {}): Promise<Answer> {
  for (let tries = 0; tries < 200; tries++) {
    const answer = await get(server, `head?path=${path}`, headers);
    if (answer.status !== 404) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`no head: ${server.log()}`);
}

test("two servers that hold the same: a run is a few short requests", async () => {
  using dir = tempDir({ "src/a": "a", "src/d/b": "b", "dst": null });
  await using from = await serve(dir.at("src"));
  await using to = await serve(dir.at("dst"), ["--writable"]);
  const first = await sync([from.url, to.url]);
  assertEquals([first.code, first.changes.length], [0, 3]);
  assertEquals((await head(from)).body.root, (await head(to)).body.root);
  const again = await sync([from.url, to.url]);
  assertNothing(again);
  assertEquals(again.done.files, 2);
  const bytes = Number(again.done.bytes_received) + Number(again.done.bytes_sent);
  assert(bytes > 0 && bytes < 2048, `${bytes}`);
  assertNothing(await sync(["-n", "--delete", from.url, to.url]));

  // And what changes is still found, on either side.
  Deno.writeTextFileSync(dir.at("src/d/b"), "changed");
  const third = await sync([from.url, to.url]);
  assertEquals([third.code, third.changes], [0, ["update d/b"]]);
  Deno.writeTextFileSync(dir.at("dst/extra"), "x");
  const fourth = await sync(["--delete", "--force", from.url, to.url]);
  assertEquals([fourth.code, fourth.changes], [0, ["delete extra"]]);
});

test("a folder and a server that hold the same need the head only; a tree out of the index is the tree", async () => {
  using dir = tempDir({ "src": null, "dst": null });
  makeOddTree(dir.at("src"));
  Deno.mkdirSync(dir.at("src/many"));
  for (let i = 0; i < 1010; i++) Deno.writeTextFileSync(dir.at(`src/many/${i}`), "");
  for (let i = 0; i < 30; i++) Deno.mkdirSync(dir.at(`src/many/d${i}`));
  await using server = await serve(dir.at("src"));
  await head(server);
  const pull = await sync([server.url, dir.at("dst")]);
  assertEquals([pull.code, pull.problems], [0, []]);
  assertEquals(
    await treeDigest(dir.at("dst"), { dirTimes: true }),
    await treeDigest(dir.at("src"), { dirTimes: true }),
  );
  for (const args of [[server.url, dir.at("dst")], [dir.at("dst"), server.url]]) {
    const again = await sync([...args, "-n"]);
    assertNothing(again);
    assert(Number(again.done.bytes_received) < 1024);
  }
});

test("head tells every change that was made before it is asked for", async () => {
  using dir = tempDir({ "share/d/f": "0" });
  await using server = await serve(dir.at("share"), ["--writable"]);
  const first = await head(server);
  assertEquals([first.status, first.body.files], [200, 1]);
  assertMatch(first.etag!, /^"[\w-]+\.[\w-]+\.\d+\.[0-9a-f]{64}"$/);
  assertEquals((await head(server, "", { "if-none-match": first.etag! })).status, 304);
  const seen = new Set([first.etag]);
  for (let i = 1; i <= 50; i++) {
    if (i % 2 === 0) Deno.writeTextFileSync(dir.at("share/d/f"), "x".repeat(i));
    else await (await fetch(`${server.url}/n${i}`, { method: "PUT", body: "x" })).body?.cancel();
    const next = await head(server, "", { "if-none-match": [...seen].at(-1)! });
    assertEquals(next.status, 200, `${i}`);
    assert(!seen.has(next.etag), `${i}`);
    seen.add(next.etag);
  }
  const sub = await head(server, "d");
  Deno.writeTextFileSync(dir.at("share/elsewhere"), "x");
  assertEquals((await head(server, "d", { "if-none-match": sub.etag! })).status, 304);
});

test("head waits for a change when asked to", async () => {
  using dir = tempDir({ "share/f": "0" });
  await using server = await serve(dir.at("share"));
  const { etag } = await head(server);
  assertEquals((await get(server, "head?path=&wait=0", { "if-none-match": etag! })).status, 304);
  const waiting = get(server, "head?path=&wait=30", { "if-none-match": etag! });
  let answered = false;
  waiting.then(() => answered = true);
  await get(server, "head?path=");
  assert(!answered);
  Deno.writeTextFileSync(dir.at("share/f"), "changed");
  const answer = await waiting;
  assertEquals(answer.status, 200);
  assertNotEquals(answer.etag, etag);
  // A server that ends does not keep those who wait.
  const last = get(server, "head?path=&wait=60", { "if-none-match": answer.etag! });
  await get(server, "head?path=");
  assertEquals([await server.stop(), (await last).status], [0, 304]);
});

test("changes lists what is new and what has gone, in order and in pieces", async () => {
  using dir = tempDir({ "share/a": "a", "share/d/b": "b", "share/d/e/c": "c", "share/old": "o" });
  await using server = await serve(dir.at("share"), ["--writable"]);
  const { body: { epoch, seq, root } } = await head(server);
  const since = (seq: number, more = "") => get(server, `changes?path=&epoch=${epoch}&since=${seq}${more}`);
  const nothing = await since(seq);
  assertEquals(nothing.body.slice(1), [{ end: seq, more: false, root, files: 4, rules: false }]);
  Deno.writeTextFileSync(dir.at("share/a"), "changed");
  await head(server);
  Deno.removeSync(dir.at("share/d/e"), { recursive: true });
  await head(server);
  Deno.removeSync(dir.at("share/old"));
  Deno.mkdirSync(dir.at("share/old"));
  Deno.writeTextFileSync(dir.at("share/d/new"), "n");
  const { body } = await since(seq);
  const [first, ...rest] = body;
  const end = rest.pop();
  assertEquals([first.ferry, first.epoch, end.more], [1, epoch, false]);
  assertEquals([end.root, end.files], [(await head(server)).body.root, 3]);
  const text = rest.map((line: { path: string; gone?: true; entry?: unknown[] }) =>
    line.gone ? `${line.path} gone` : `${line.path} ${line.entry![1]}`
  );
  assertEquals(text.toSorted(), ["a f", "d d", "d/e gone", "d/new f", "old d"]);
  assert(text.indexOf("a f") < text.indexOf("d/e gone"));
  const seqs = rest.map((line: { seq: number }) => line.seq);
  assertEquals(seqs, seqs.toSorted((a: number, b: number) => a - b));

  const pieces: unknown[] = [];
  for (let at = seq, more = true; more;) {
    const part = (await since(at, "&limit=2")).body;
    pieces.push(...part.slice(1, -1));
    ({ end: at, more } = part.at(-1));
  }
  assertEquals(pieces, rest);
  const below = await get(server, `changes?path=d&epoch=${epoch}&since=${seq}`);
  assertEquals(
    below.body.slice(1, -1).map(({ path }: { path: string }) => path).toSorted(),
    ["e", "new"],
  );
  for (const query of [`epoch=other&since=0`, `epoch=${epoch}&since=${end.end + 1}`]) {
    assertEquals((await get(server, `changes?path=&${query}`)).status, 410, query);
  }
  for (const query of ["since=x", "since=-1", "", "since=1&limit=x"]) {
    assertEquals((await get(server, `changes?path=&epoch=${epoch}&${query}`)).status, 400, query);
  }
  assertEquals((await get(server, "head?path=&wait=soon")).status, 400);
});

test("no head for those who may not see all of it, nor of what is no folder", async () => {
  using dir = tempDir({ "share/open/f": "x", "share/open/secret/f": "x" });
  const rules = ["--anonymous", "none", "--auth", "ann:pw@/open:r,/open/secret:none", "--auth", "bob:pw"];
  await using server = await serve(dir.at("share"), rules);
  const as = (user: string) => ({ authorization: `Basic ${btoa(`${user}:pw`)}` });
  const whole = await head(server, "open", as("bob"));
  assertEquals(whole.body.files, 2);
  for (const call of ["head?path=open", `changes?path=open&since=0&epoch=${whole.body.epoch}`]) {
    const { status, body } = await get(server, call, as("ann"));
    assertEquals([status, body.code], [404, "not_found"], call);
    assertEquals((await get(server, call)).status, 401, call);
  }
  assertEquals((await get(server, "head?path=", as("ann"))).status, 403);
  for (const path of ["none", "open/f"]) {
    assert([404, 409].includes((await get(server, `head?path=${path}`, as("bob"))).status), path);
  }
  // Her replica has what she may see, as ever.
  const url = server.url.replace("http://", "http://ann:pw@");
  assertEquals((await sync([`${url}/open/`, dir.at("copy")])).changes, ["create f"]);
});

test("the index lies where nothing is shared, or in .ferry/ of a share that may be written to", async () => {
  using dir = tempDir({ "read/f": "x", "write/f": "x", "state": null });
  const env = { XDG_STATE_HOME: dir.at("xdg") };
  {
    await using server = await serve(dir.at("read"), ["--state-dir", dir.at("state")], env);
    await head(server);
  }
  assertEquals(paths(dir.at("read")), ["f"]);
  assertMatch(
    paths(dir.at("state")).join(" "),
    /^shares shares\/[0-9a-f]{24} shares\/[0-9a-f]{24}\/index\.db$/,
  );
  assertEquals(paths(dir.path).includes("xdg"), false);
  {
    await using server = await serve(dir.at("write"), ["--writable", IN_SHARE], env);
    await head(server);
  }
  assertEquals(paths(dir.at("write")), [".ferry", ".ferry/index.db", "f"]);
  {
    await using server = await serve(dir.at("read"), [IN_SHARE], env);
    await head(server);
  }
  assertEquals(paths(dir.at("read")), ["f"]);
  assertMatch(paths(dir.at("xdg")).join(" "), /^ferry ferry\/shares .*index\.db$/);
});

test("a damaged index costs one line, and nothing else", async () => {
  using dir = tempDir({ "share/f": "x", "state": null });
  const start = () => serve(dir.at("share"), ["--state-dir", dir.at("state")]);
  const heads = [];
  for (let round = 0; round < 3; round++) {
    await using server = await start();
    heads.push((await head(server)).body);
    await server.stop();
    assertEquals(server.log().includes("the index was damaged"), round === 2);
    const [db] = paths(dir.at("state")).filter((path) => path.endsWith("index.db"));
    if (round === 1) Deno.writeTextFileSync(dir.at(`state/${db}`), "rubbish".repeat(2000));
  }
  assertEquals(heads[0], heads[1]);
  assertEquals([heads[2].root, heads[2].epoch === heads[1].epoch], [heads[1].root, false]);
});

test("--checksum reads a file on the server once", async () => {
  using dir = tempDir({ "share/f": "content", "share/g": "more", "dst": null });
  for (const name of ["f", "g"]) Deno.utimeSync(dir.at(`share/${name}`), 1e9, 1e9);
  await using server = await serve(dir.at("share"));
  const run = () => sync(["--checksum", server.url, dir.at("dst")]);
  assertEquals((await run()).changes.length, 2);
  // A hash is kept once the file has been left alone for two seconds.
  await new Promise((resolve) => setTimeout(resolve, 2200));
  assertNothing(await run());
  const info = Deno.lstatSync(dir.at("share/f"));
  assertNothing(await run());
  // The same size and time, other content: the inode's own time tells.
  Deno.writeTextFileSync(dir.at("share/f"), "CONTENT");
  Deno.utimeSync(dir.at("share/f"), info.mtime!, info.mtime!);
  assertEquals((await run()).changes, ["update f"]);
});
