import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { cuttingProxy } from "./cutting_proxy.ts";
import { ferry, ferryCommand, rawRequest, serve, type Server, tempDir } from "./harness.ts";
import { assertNothing, sync } from "./sync_fixtures.ts";

const CONTENT = 3_000_000;

/** Content that does not shrink. */
function noise(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  return bytes;
}

const withLogin = (url: string, login: string) => url.replace("//", `//${login}@`);

/** A source for Ann alone, and a destination where Bob may start jobs that read from it. */
async function pair(source: string, destination: string, peers?: string[]) {
  const from = await serve(source, ["--auth", "ann:a@/:r", "--anonymous", "none", "--log", "json"]);
  const named = (peers ?? [from.url]).flatMap((url) => ["--peer", url]);
  const to = await serve(destination, ["--auth", "bob:b@/:rwds", "--anonymous", "none", ...named]);
  return {
    from,
    to,
    src: withLogin(from.url, "ann:a"),
    dst: withLogin(to.url, "bob:b"),
    [Symbol.asyncDispose]: async () => {
      await from.stop();
      await to.stop();
    },
  };
}

function fill(root: string): void {
  Deno.mkdirSync(`${root}/sub dir`);
  Deno.writeFileSync(`${root}/sub dir/large é`, noise(CONTENT));
  for (let i = 0; i < 20; i++) Deno.writeTextFileSync(`${root}/small${i}`, `file ${i}`);
}

Deno.test("sync of two URLs moves contents from server to server, and none through the client", async () => {
  using dir = tempDir({ src: null, dst: null });
  fill(dir.at("src"));
  await using servers = await pair(dir.at("src"), dir.at("dst"));
  await using proxy = cuttingProxy(servers.to.port, []);
  const dst = withLogin(proxy.url, "bob:b");
  const run = await sync([`${servers.src}/`, `${dst}/deep/er/`]);
  assertEquals([run.code, run.stderr, run.problems], [0, "", []]);
  assertEquals([run.done.created, run.done.bytes_content], [22, CONTENT + 130]);
  assert(Number(run.done.bytes_received) > CONTENT, "the servers' own traffic counts");
  assert(proxy.passed() < 20_000, `${proxy.passed()} bytes passed the client`);
  assertEquals(
    Deno.readFileSync(dir.at("dst/deep/er/sub dir/large é")),
    Deno.readFileSync(dir.at("src/sub dir/large é")),
  );
  assertNothing(await sync([`${servers.src}/`, `${dst}/deep/er/`]));
  // Nothing of the client's credentials for the source ever reached the other server.
  const users = new Set(
    servers.from.log().split("\n").filter((line) => line.includes("/v1/pack")).map((line) =>
      JSON.parse(line).user
    ),
  );
  assertEquals([...users], ["ann"]);
});

Deno.test("sync of two URLs prints what a run of its own prints", async () => {
  using dir = tempDir({
    "src/new": "new",
    "src/changed": "long",
    "dst/changed": "x",
    "dst/gone": "1",
    "dst/kept": "1",
  });
  await using servers = await pair(dir.at("src"), dir.at("dst"));
  const run = (...flags: string[]) => ferry(["sync", ...flags, `${servers.src}/`, `${servers.dst}/`]);
  const dry = await run("-n", "--delete", "--exclude", "kept");
  assertEquals(dry.code, 0, dry.stderr);
  assertStringIncludes(dry.stdout, "dry run, nothing was changed: 1 created, 1 updated, 1 deleted");
  assertEquals(Deno.readTextFileSync(dir.at("dst/changed")), "x");
  const real = await run("--delete", "--exclude", "kept");
  assertEquals([real.code, real.stderr], [0, ""]);
  assertEquals(real.stdout.split("\n").slice(0, -2).sort(), ["+ new", "- gone", "~ changed"]);
  assertEquals(Deno.readTextFileSync(dir.at("dst/changed")), "long");
  assertEquals(Deno.readTextFileSync(dir.at("dst/kept")), "1");
});

Deno.test("sync of two URLs ends as the run on the server does", async () => {
  using dir = tempDir({ "src/a": "new", "dst/b": "1", "dst/c": "1" });
  await using servers = await pair(dir.at("src"), dir.at("dst"));
  const [src, dst] = [`${servers.src}/`, `${servers.dst}/`];
  const guarded = await ferry(["sync", "--delete", src, dst]);
  assertEquals([guarded.code, guarded.stdout], [41, ""]);
  assertStringIncludes(guarded.stderr, "more than --max-delete 50% allows");
  assertStringIncludes(guarded.stderr, "2 of the 2 entries of /");
  const absent = await ferry(["sync", `${servers.src}/nope`, dst]);
  assertEquals(absent.code, 41, absent.stderr);
  new Deno.Command("mkfifo", { args: [dir.at("src/pipe")] }).outputSync();
  const partly = await sync([src, dst]);
  assertEquals([partly.code, partly.problems, partly.done.ok], [1, ["unsupported_kind pipe"], false]);
  const forced = await sync(["--delete", "--force", src, dst]);
  assertEquals([forced.code, forced.done.deleted], [1, 2]);
});

Deno.test("sync of two URLs goes through the client where the server may not fetch, and says so with -v", async () => {
  using dir = tempDir({ "src/a": "1", dst: null });
  const cases: [why: string, peers: string[], auth: string, flags: string[]][] = [
    ["another server is named", ["http://other.example:1/"], "bob:b@/:rwds", []],
    ["another folder is named", ["PEER/elsewhere"], "bob:b@/:rwds", []],
    ["no permission s", ["PEER"], "bob:b@/:rwd", []],
    ["--via-client", ["PEER"], "bob:b@/:rwds", ["--via-client"]],
  ];
  await using from = await serve(dir.at("src"), ["--log", "json"]);
  for (const [why, peers, auth, flags] of cases) {
    const named = peers.flatMap((peer) => ["--peer", peer.replace("PEER", from.url)]);
    await using to = await serve(dir.at("dst"), ["--auth", auth, "--anonymous", "none", ...named]);
    const dst = `${withLogin(to.url, "bob:b")}/${encodeURIComponent(why)}`;
    const run = await ferry(["sync", "-v", ...flags, from.url, dst]);
    assertEquals([run.code, Deno.readTextFileSync(dir.at(`dst/${why}/a`))], [0, "1"], why);
    if (flags.length === 0) assertStringIncludes(run.stderr, "the contents pass through this machine", why);
    else assertEquals(run.stderr, "", why);
  }
  assert(!from.log().includes("/v1/token"), "no token was asked for");
});

/** One call of the sync API; gives status and body. */
async function call(
  server: Server,
  method: string,
  path: string,
  init: { auth?: string; body?: string } = {},
) {
  const { auth, body = "" } = init;
  const authorization = auth === undefined ? "" : `Authorization: ${auth}\r\n`;
  return await rawRequest(
    server.port,
    `${method} /.ferry/v1/${path} HTTP/1.1\r\nHost: x\r\n${authorization}Content-Length: ${body.length}\r\n` +
      `Connection: close\r\n\r\n${body}`,
  );
}

const basic = (login: string) => `Basic ${btoa(login)}`;

Deno.test("a token reads the folder that it was made for, and can do nothing else", async () => {
  using dir = tempDir({ "a/x": "1", "b/y": "1" });
  await using server = await serve(dir.path, ["--auth", "ann:a@/:rwds", "--anonymous", "none"]);
  const answer = await call(server, "POST", "token?path=a", { auth: basic("ann:a") });
  const { token, expires } = JSON.parse(answer.body);
  assert(expires > Date.now() && expires < Date.now() + 3_600_000, "it is short-lived");
  const auth = `Bearer ${token}`;
  const commit = '{"key":"1","operations":[]}';
  const session = `session/${crypto.randomUUID()}`;
  const cases: [method: string, path: string, status: number, body?: string][] = [
    ["GET", "tree?path=a", 200],
    ["POST", "pack?path=a", 200, '{"files":["x"]}'],
    ["GET", "file?path=a&file=x", 200],
    ["GET", "tree?path=b", 403],
    ["GET", "tree?path=", 403],
    ["POST", "pack?path=b", 403, '{"files":["y"]}'],
    ["POST", "token?path=b", 403],
    ["POST", `${session}?path=a`, 403, '{"holder":{"source":"","host":"","pid":1,"since":1}}'],
    ["POST", `commit/${crypto.randomUUID()}?path=a`, 403, commit],
  ];
  for (const [method, path, status, body] of cases) {
    assertEquals((await call(server, method, path, { auth, body })).status, status, `${method} ${path}`);
  }
  const next = JSON.parse((await call(server, "POST", "token?path=a", { auth })).body);
  assert(next.expires <= expires, "one that was lost does not live on in others");
  const raw = (method: string, path: string) =>
    rawRequest(
      server.port,
      `${method} ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: ${auth}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
    );
  assertEquals((await raw("GET", "/a/x")).status, 200);
  assertEquals((await raw("GET", "/b/y")).status, 403);
  assertEquals((await raw("PUT", "/a/x")).status, 403);
  assertEquals((await raw("DELETE", "/a/x")).status, 403);
  for (const bad of [`Bearer ${token}x`, `Bearer x${token}`, "Bearer ferry1.e30.x"]) {
    assertEquals((await call(server, "GET", "tree?path=a", { auth: bad })).status, 401, bad);
  }
  // A stranger gets none, nor does somebody for what he may not read.
  assertEquals((await call(server, "POST", "token?path=a")).status, 401);
});

const REQUEST = (source: string) =>
  JSON.stringify({
    source,
    token: "abc",
    options: {
      dryRun: false,
      delete: false,
      checksum: false,
      force: false,
      maxDelete: "50%",
      patterns: [],
      links: "keep",
    },
    holder: { source: "", host: "", pid: 1, since: 1 },
  });

Deno.test("a server starts no job towards a server that was not named, whatever it is asked", async () => {
  using dir = tempDir({ "a": "1" });
  const peers = ["--peer", "http://127.0.0.1:9/pub", "--peer", "http://files.example"];
  await using server = await serve(dir.path, ["--auth", "bob:b@/:rwds", "--auth", "eve:e@/:rwd", ...peers]);
  const start = (source: string, login = "bob:b") =>
    call(server, "POST", "jobs?path=", { auth: basic(login), body: REQUEST(source) });
  const refused = [
    "http://127.0.0.1:10/pub",
    "http://127.0.0.1:9/",
    "http://127.0.0.1:9/public",
    "http://user@127.0.0.1:9/pub",
    "http://127.0.0.1:9/pub/../x",
    "http://localhost:9/pub",
    "http://[::1]:9/pub",
    "http://169.254.169.254/",
    "https://files.example/",
    "http://files.example:81/",
    "file:///etc",
    "rubbish",
    "",
  ];
  for (const source of refused) {
    const answer = await start(source);
    assertEquals(answer.status, 403, source);
    assertStringIncludes(answer.body, "--peer");
  }
  assertEquals((await start("http://127.0.0.1:9/pub", "eve:e")).status, 403, "without s");
  assertEquals(
    (await call(server, "POST", "jobs?path=", { body: REQUEST("http://127.0.0.1:9/pub") })).status,
    401,
  );
  const named = await start("http://127.0.0.1:9/pub");
  assertEquals(named.status, 200);
  assertStringIncludes(named.body, '"code":"no_connection"');
  for (const body of ["", "[]", "{}", REQUEST("http://127.0.0.1:9/pub").replace('"50%"', "50")]) {
    assertEquals(
      (await call(server, "POST", "jobs?path=", { auth: basic("bob:b"), body })).status,
      400,
      body,
    );
  }
  const limit = REQUEST("http://127.0.0.1:9/pub").replace("50%", "x");
  assertStringIncludes(
    (await call(server, "POST", "jobs?path=", { auth: basic("bob:b"), body: limit })).body,
    "usage",
  );
});

Deno.test("a job follows no redirect", async () => {
  using dir = tempDir({ src: null, dst: null, "other/secret": "1" });
  await using other = await serve(dir.at("other"));
  const listener = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    const { pathname, search } = new URL(request.url);
    if (!pathname.endsWith("/token")) return Response.redirect(other.url + pathname + search, 307);
    return Response.json({ token: "abc", expires: Date.now() + 60_000 });
  });
  const url = `http://127.0.0.1:${listener.addr.port}`;
  try {
    await using to = await serve(dir.at("dst"), ["--auth", "bob:b@/:rwds", "--peer", url]);
    const run = await ferry(["sync", url, `${withLogin(to.url, "bob:b")}/`]);
    assertEquals(run.code, 22, run.stderr);
    assertStringIncludes(run.stderr, "a redirect");
    assertEquals([...Deno.readDirSync(dir.at("dst"))].length, 0);
  } finally {
    await listener.shutdown();
  }
});

Deno.test("a job ends with its client, and its folder is free again", async () => {
  using dir = tempDir({ src: null, dst: null });
  Deno.writeFileSync(dir.at("src/large"), noise(30_000_000));
  await using servers = await pair(dir.at("src"), dir.at("dst"));
  const args = ["sync", "--bwlimit", "2M", `${servers.src}/`, `${servers.dst}/x`];
  const command = ferryCommand(args);
  const child = new Deno.Command(command.path, { args: command.args, stdout: "null", stderr: "null" })
    .spawn();
  await underWay(servers.from);
  const second = await ferry(["sync", `${servers.src}/`, `${servers.dst}/x`]);
  assertEquals(second.code, 42, second.stderr);
  child.kill("SIGKILL");
  await child.status;
  const third = await ferry(["sync", `${servers.src}/`, `${servers.dst}/x`]);
  assertEquals(third.code, 0, third.stderr);
  assertEquals(Deno.readFileSync(dir.at("dst/x/large")), Deno.readFileSync(dir.at("src/large")));
});

Deno.test("a client whose server dies in mid-job says so", async () => {
  using dir = tempDir({ src: null, dst: null });
  Deno.writeFileSync(dir.at("src/large"), noise(30_000_000));
  await using servers = await pair(dir.at("src"), dir.at("dst"));
  const running = ferry(["sync", "--bwlimit", "2M", `${servers.src}/`, `${servers.dst}/x`]);
  await underWay(servers.from);
  await servers.to.stop("SIGKILL");
  const run = await running;
  assertEquals(run.code, 18, run.stderr);
  assertEquals([...walk(dir.at("dst"))].filter((path) => path.endsWith("/large")), []);
});

/** Waits until somebody has read the tree of `source`, so that its contents are next. */
async function underWay(source: Server): Promise<void> {
  for (let i = 0; i < 500 && !source.log().includes("/v1/tree"); i++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function* walk(dir: string): Generator<string> {
  try {
    for (const entry of Deno.readDirSync(dir)) {
      yield `${dir}/${entry.name}`;
      if (entry.isDirectory) yield* walk(`${dir}/${entry.name}`);
    }
  } catch {
    // It goes while one looks.
  }
}
