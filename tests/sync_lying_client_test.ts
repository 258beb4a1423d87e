import { assert, assertEquals, assertMatch } from "@std/assert";
import { MAGIC } from "../lib/wire/pack.ts";
import { rawRequest, serve, treeDigest } from "./harness.ts";
import {
  attack,
  BAD_PATHS,
  begin,
  call,
  codes,
  commit,
  encode,
  HOLDER,
  makeShare,
  MTIME,
  pack,
} from "./lying_client.ts";
import { paths } from "./sync_fixtures.ts";

attack("paths that leave the folder, in every operation", async (server, dir) => {
  const session = crypto.randomUUID();
  const before = await treeDigest(dir.at("share"));
  for (const path of [...BAD_PATHS, 7, null, undefined, ["a"], "\ud800"]) {
    const operations = [
      { op: "mkdir", path, mode: 0o755, expect: null },
      { op: "file", path, stage: 0, mode: 0o644, mtime: MTIME, expect: null },
      { op: "symlink", path, target: "x", mtime: MTIME, expect: null },
      { op: "meta", path, mode: 0o777, expect: { kind: "dir" } },
      { op: "delete", path, expect: { kind: "dir" } },
    ];
    for (const operation of operations) {
      // The good one before it must not happen either: the message is refused as a whole.
      const body = commit([{ op: "mkdir", path: "made", mode: 0o755, expect: null }, operation]);
      const answer = await call(server, "POST", `commit/${session}`, { body });
      assertEquals([path, operation.op, answer.status], [path, operation.op, 400], answer.text);
    }
    const answer = await call(server, "POST", "pack", { body: JSON.stringify({ files: [path] }) });
    assertEquals([path, answer.status], [path, 400], answer.text);
    if (typeof path === "string" && path.isWellFormed()) {
      assertEquals((await call(server, "GET", `file?file=${encodeURIComponent(path)}`)).status, 400);
    }
  }
  assertEquals(await treeDigest(dir.at("share")), before);
});

attack("folders that are not below the share, in every call", async (server) => {
  const session = crypto.randomUUID();
  const encoded = [
    "..",
    "../outside",
    "%2e%2e/outside",
    "dir/../../outside",
    ".ferry",
    "dir/.ferry/x",
    "a//b",
    "%00",
    "a%00b",
  ];
  for (const path of [...encoded, "out", "out/sub", "out-file", "%ff"]) {
    const answers = [
      await call(server, "GET", "info", { path }),
      await call(server, "GET", "tree", { path }),
      await call(server, "POST", "pack", { path, body: '{"files":["precious"]}' }),
      await call(server, "GET", "file?file=precious", { path }),
      await call(server, "PUT", `stage/${session}`, { path, body: pack("x") }),
      await call(server, "PUT", `stage/${session}/0`, { path, body: pack("x") }),
      await call(server, "POST", `commit/${session}`, { path, body: commit([]) }),
    ];
    for (const { status, text } of answers) {
      // Bytes that are no text are a name like any other that is not there.
      const fine = path === "%ff"
        ? [200, 404, 410].includes(status)
        : status === 400 || status === 404 || status === 410;
      assert(fine, `${path}: ${status} ${text}`);
      assert(!text.includes("precious"), text);
    }
    const push = await begin(server, session, { path: decodeURIComponent(path.replace("%ff", "\ufffd")) });
    assert(path === "%ff" || push.status === 400 || push.status === 404, `${path}: ${push.status}`);
    await push[Symbol.asyncDispose]();
  }
});

attack("ways through links, to read and to write", async (server, dir) => {
  const session = crypto.randomUUID();
  await using _push = await begin(server, session);
  await call(server, "PUT", `stage/${session}`, { body: pack("evil", "evil", "new") });
  const precious = { kind: "file", size: 8, mtime: MTIME };
  const operations = [
    { op: "file", path: "out/precious", stage: 0, mode: 0o644, mtime: MTIME, expect: precious },
    { op: "file", path: "out/new", stage: 0, mode: 0o644, mtime: MTIME, expect: null },
    { op: "mkdir", path: "out/d", mode: 0o755, expect: null },
    { op: "symlink", path: "out/l", target: "x", mtime: MTIME, expect: null },
    { op: "delete", path: "out/precious", expect: precious },
    { op: "meta", path: "out/precious", mode: 0o777, expect: precious },
    { op: "meta", path: "out-file", mode: 0o777, expect: precious },
    { op: "meta", path: "out", mode: 0o777, expect: { kind: "dir" } },
    { op: "file", path: "in/new", stage: 1, mode: 0o644, mtime: MTIME, expect: null },
    { op: "delete", path: "in/f", expect: { kind: "file", size: 7, mtime: MTIME } },
  ];
  const answer = await call(server, "POST", `commit/${session}`, { body: commit(operations) });
  assertEquals([answer.status, codes(answer.text)], [200, operations.map(() => "conflict")]);
  // A link of one's own making is no way out either.
  const own = commit([
    { op: "symlink", path: "mine", target: dir.at("outside"), mtime: MTIME, expect: null },
    { op: "file", path: "mine/evil", stage: 2, mode: 0o644, mtime: MTIME, expect: null },
  ]);
  assertEquals(codes((await call(server, "POST", `commit/${session}`, { body: own })).text), [
    null,
    "conflict",
  ]);
  const later = commit([{
    op: "file",
    path: "mine/evil",
    stage: 2,
    mode: 0o644,
    mtime: MTIME,
    expect: null,
  }]);
  assertEquals(codes((await call(server, "POST", `commit/${session}`, { body: later })).text), ["conflict"]);
  for (const path of ["out/precious", "out-file", "mine/precious", "in/f"]) {
    const read = await call(server, "POST", "pack", { body: JSON.stringify({ files: [path] }) });
    const one = await call(server, "GET", `file?file=${encodeURIComponent(path)}`);
    for (const { status, text } of [read, one]) {
      assertEquals([path, status, /"code":"\w+"/.test(text)], [path, 200, true]);
      assert(!text.includes("precious\0") && !/preciousprecious|content/.test(text), text);
    }
  }
  const tree = (await call(server, "GET", "tree?checksum=1")).text;
  assert(!tree.includes('"precious","f"'), tree);
});

attack("messages that do not fit, without ever a 500", async (server) => {
  const session = crypto.randomUUID();
  await using _push = await begin(server, session);
  const file = { op: "file", path: "x", stage: 0, mode: 0o644, mtime: MTIME, expect: null };
  const cases: [string, string, BodyInit, number][] = [
    ["POST", `commit/${session}`, "", 400],
    ["POST", `commit/${session}`, "{", 400],
    ["POST", `commit/${session}`, "null", 400],
    ["POST", `commit/${session}`, "[]", 400],
    ["POST", `commit/${session}`, "[".repeat(100_000), 400],
    ["POST", `commit/${session}`, new Uint8Array([0xff, 0xfe]), 400],
    ["POST", `commit/${session}`, commit(Array(10_001).fill(file)), 400],
    ["POST", `commit/${session}`, commit([{ ...file, stage: "../../outside/precious" }]), 400],
    ["POST", `commit/${session}`, commit([{ ...file, stage: 2 ** 32 }]), 400],
    ["POST", `commit/${session}`, commit([{ ...file, mode: 0o4755 }]), 400],
    ["POST", `commit/${session}`, commit([{ ...file, mtime: 1e300 }]), 400],
    [
      "POST",
      `commit/${session}`,
      commit([{ op: "meta", path: "in", mode: 0o777, expect: { kind: "symlink", target: "dir" } }]),
      400,
    ],
    ["POST", `commit/${session}`, commit([{ op: "chown", path: "file", expect: null }]), 400],
    ["POST", `commit/${session}`, commit([], "k".repeat(65)), 400],
    ["POST", `commit/${session}`, new Uint8Array(17 * 1024 * 1024), 413],
    ["POST", "pack", JSON.stringify({ files: Array(2001).fill("file") }), 400],
    ["POST", "pack", "{}", 400],
    ["POST", "pack", new Uint8Array(17 * 1024 * 1024), 413],
    ["PUT", `stage/${session}`, "<html>", 400],
    ["PUT", `stage/${session}`, pack("x").slice(0, -1), 400],
    ["PUT", `stage/${session}`, MAGIC as Uint8Array<ArrayBuffer>, 400],
    ["PUT", `stage/${session}`, new Uint8Array(17 * 1024 * 1024), 413],
    ["PUT", `stage/${session}/0`, "<html>", 400],
    ["PUT", `stage/${session}/0`, pack("x").slice(0, -40), 400],
    ["PUT", `stage/${session}/-1`, pack("x"), 400],
    ["PUT", `stage/${session}/x`, pack("x"), 400],
    ["PUT", `stage/${session}/4294967296`, pack("x"), 400],
    ["PUT", `stage/${session}/99999999999999999999`, pack("x"), 400],
    ["PUT", `stage/${session}/0/0`, pack("x"), 404],
    ["PUT", "stage/../../x", pack("x"), 404],
    ["PUT", "stage/UPPER", pack("x"), 400],
    ["PUT", "stage/%2e%2e", pack("x"), 404],
    ["POST", "commit/1", commit([]), 400],
    ["POST", "commit", commit([]), 404],
    ["PATCH", "tree", "x", 404],
    ["POST", "nothing", "x", 404],
  ];
  for (const [method, what, body, status] of cases) {
    const answer = await call(server, method, what, { body });
    const shown = typeof body === "string" ? body.slice(0, 80) : `${(body as Uint8Array).length} bytes`;
    // A path that the client's own URL parser has taken apart lands somewhere else, which is as good.
    const fine = answer.status === status ||
      (/\.\.|%2e/.test(what) && answer.status >= 400 && answer.status < 500);
    assert(
      fine,
      `${method} ${what} ${shown}: ${answer.status} instead of ${status}: ${answer.text.slice(0, 300)}`,
    );
  }
  await call(server, "DELETE", `session/${session}`);
  assertEquals((await call(server, "DELETE", `session/${session}`)).status, 204);
});

attack("a body without a length, and one that is shorter than its length", async (server) => {
  const session = crypto.randomUUID();
  await using _push = await begin(server, session);
  const stream = new ReadableStream({
    start(controller) {
      controller.enqueue(encode(commit([])));
      controller.close();
    },
  });
  assertEquals((await call(server, "POST", `commit/${session}`, { body: stream })).status, 400);
  for (const what of [`commit/${session}`, `stage/${session}`, `stage/${session}/0`]) {
    const method = what.startsWith("commit") ? "POST" : "PUT";
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    const head = `${method} /.ferry/v1/${what} HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n`;
    await connection.write(encode(head));
    await connection.write(pack("x".repeat(100_000)).subarray(0, 50_000));
    connection.close();
  }
  // What came of the half file goes with its connection.
  await call(server, "DELETE", `session/${session}`);
});

attack("stages that were never filled, or are another's", async (server, dir) => {
  const session = crypto.randomUUID();
  await using _push = await begin(server, session, { user: "ann:pw" });
  const file = (path: string, stage: number) => ({
    op: "file",
    path,
    stage,
    mode: 0o644,
    mtime: MTIME,
    expect: null,
  });
  assertEquals(
    (await call(server, "PUT", `stage/${session}`, { body: pack("zero", "one"), user: "ann:pw" })).status,
    200,
  );
  const run = async (user: string, path: string | undefined, operations: unknown[]) => {
    const answer = await call(server, "POST", `commit/${session}`, { user, path, body: commit(operations) });
    return answer.status === 200 ? codes(answer.text) : answer.status;
  };
  assertEquals(await run("bob:pw", undefined, [file("stolen", 0)]), 410);
  assertEquals(await run("ann:pw", "dir", [file("stolen", 0)]), 410);
  assertEquals(
    (await call(server, "PUT", `stage/${session}`, { body: pack("evil"), user: "bob:pw" })).status,
    410,
  );
  // Ending somebody else's push does nothing.
  await call(server, "DELETE", `session/${session}`, { user: "bob:pw" });
  assertEquals(await run("ann:pw", undefined, [file("mine", 0), file("again", 0), file("none", 99)]), [
    null,
    "missing",
    "missing",
  ]);
  assertEquals(Deno.readTextFileSync(dir.at("share/mine")), "zero");
  await call(server, "DELETE", `session/${session}`, { user: "ann:pw" });
  // What comes after the end does not begin anew.
  assertEquals(await run("ann:pw", undefined, [file("late", 1)]), 410);
  assertEquals(
    (await call(server, "PUT", `stage/${session}`, { body: pack("late"), user: "ann:pw" })).status,
    410,
  );
}, ["--anonymous", "none", "--auth", "ann:pw", "--auth", "bob:pw"]);

attack("what the user may not do, path by path", async (server, dir) => {
  const user = "ann:pw";
  const session = crypto.randomUUID();
  await using _push = await begin(server, session, { user });
  assertEquals(
    (await call(server, "PUT", `stage/${session}`, { user, body: pack("new", "new") })).status,
    200,
  );
  const operations = [
    { op: "file", path: "private/new", stage: 0, mode: 0o644, mtime: MTIME, expect: null },
    { op: "meta", path: "private", mode: 0o777, expect: { kind: "dir" } },
    { op: "delete", path: "file", expect: { kind: "file", size: 7, mtime: MTIME } },
    { op: "file", path: "fine", stage: 1, mode: 0o644, mtime: MTIME, expect: null },
  ];
  const answer = await call(server, "POST", `commit/${session}`, { user, body: commit(operations) });
  assertEquals(codes(answer.text), ["forbidden", "forbidden", "forbidden", null]);
  const read = await call(server, "POST", "pack", {
    user,
    body: JSON.stringify({ files: ["private/f", "file"] }),
  });
  assert(
    read.text.includes("forbidden") && read.text.includes("content") && !read.text.includes("secret"),
    read.text,
  );
  assertEquals((await call(server, "GET", "file?file=private/f", { user })).status, 403);
  const tree = await call(server, "GET", "tree", { user });
  assert(tree.text.includes('"fine"') && !tree.text.includes("private"), tree.text);
  for (
    const [method, what] of [["GET", "tree"], ["POST", "pack"], ["PUT", `stage/${session}`], [
      "POST",
      `commit/${session}`,
    ]]
  ) {
    const body = method === "GET" ? undefined : JSON.stringify({ files: ["f"] });
    assertEquals([what, (await call(server, method, what, { user, path: "private", body })).status], [
      what,
      403,
    ]);
    assertEquals([what, (await call(server, method, what, { body })).status], [what, 401]);
  }
  await call(server, "DELETE", `session/${session}`, { user });
  assertEquals(paths(dir.at("share/private")), ["f"]);
}, ["--anonymous", "none", "--auth", "ann:pw@/:rw,/private:none"]);

attack("nothing of a commit that is sent twice, and does it once", async (server, dir) => {
  const session = crypto.randomUUID();
  await using _push = await begin(server, session);
  const body = commit([{ op: "mkdir", path: "new", mode: 0o755, expect: null }], "the key");
  const first = await call(server, "POST", `commit/${session}`, { body });
  Deno.removeSync(dir.at("share/new"));
  const second = await call(server, "POST", `commit/${session}`, { body });
  assertEquals([codes(first.text), second.text], [[null], first.text]);
  assert(!paths(dir.at("share")).includes("new"), "it was done again");
  const other = await call(server, "POST", `commit/${session}`, { body: body.replace("the key", "another") });
  assertEquals([codes(other.text), paths(dir.at("share")).includes("new")], [[null], true]);
  await call(server, "DELETE", `session/${session}`);
});

attack("more pushes than it can hold", async (server) => {
  const pushes = [];
  for (let i = 0; i < 80; i++) {
    pushes.push(await begin(server, crypto.randomUUID(), { path: `folder ${i}` }));
  }
  assertEquals(new Set(pushes.map(({ status }) => status)), new Set([200, 503]));
  for (const push of pushes) await push[Symbol.asyncDispose]();
  const again = crypto.randomUUID();
  await using push = await begin(server, again);
  assertEquals([push.status, (await call(server, "PUT", `stage/${again}`, { body: pack("x") })).status], [
    200,
    200,
  ]);
});

attack("writes of a push that has not begun, and beginnings that do not fit", async (server, dir) => {
  const session = crypto.randomUUID();
  const writes: [string, string, BodyInit][] = [
    ["PUT", `stage/${session}`, pack("x")],
    ["PUT", `stage/${session}/0`, pack("x")],
    ["POST", `commit/${session}`, commit([{ op: "mkdir", path: "new", mode: 0o755, expect: null }])],
  ];
  for (const [method, what, body] of writes) {
    assertEquals([what, (await call(server, method, what, { body })).status], [what, 410]);
  }
  assertEquals((await call(server, "GET", `session/${session}`)).status, 410);
  const bodies: [BodyInit, number][] = [
    ["", 400],
    ["{}", 400],
    [JSON.stringify({ holder: null }), 400],
    [JSON.stringify({ holder: { ...HOLDER, pid: "1" } }), 400],
    [JSON.stringify({ holder: { ...HOLDER, since: 1e300 } }), 400],
    [JSON.stringify({ holder: { ...HOLDER, source: "s".repeat(5000) } }), 400],
    ["x".repeat(20_000), 413],
  ];
  for (const [body, status] of bodies) {
    await using push = await begin(server, session, { body });
    assertEquals([body, push.status], [body, status]);
  }
  const path = "file";
  await using onFile = await begin(server, crypto.randomUUID(), { path });
  await using badId = await begin(server, "UPPER");
  assertEquals([onFile.status, badId.status], [409, 400]);
  assert(!paths(dir.at("share")).includes("new"));
});

attack("two pushes into folders that overlap, and lets others be", async (server) => {
  const at = (path: string) => begin(server, crypto.randomUUID(), { path });
  await using first = await at("dir/sub");
  const overlapping = ["dir/sub", "dir", "", "in/sub", "dir/sub/below"];
  for (const path of overlapping) {
    await using push = await at(path);
    assertEquals([path, push.status], [path, 423]);
  }
  await using other = await at("dir/sub2");
  assertEquals([first.status, other.status], [200, 200]);
});

attack("garbage in every place of a request", async (server) => {
  const raw = (line: string, extra = "") =>
    rawRequest(server.port, `${line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${extra}\r\n`);
  const lines = [
    "GET /.ferry/v1/tree?path=%",
    "GET /.ferry/v1/tree?path=%zz",
    "GET /.ferry/v1/tree?path=\xff\xfe",
    "GET /.ferry/v1/%2e%2e/%2e%2e/etc/passwd",
    "GET /.ferry/v1/../../etc/passwd",
    "GET /.ferry/v1//tree",
    "GET /.ferry/v1/",
    "GET /.ferry/v1/info/extra",
    "GET /.ferry/v2/info",
    "GET /.ferry/v1/file",
    "GET /.ferry/v1/file?file=%00",
    "POST /.ferry/v1/pack",
    "BREW /.ferry/v1/info",
  ];
  for (const line of lines) {
    const { status, body } = await raw(line);
    assert(status >= 200 && status < 500, `${line}: ${status}`);
    assert(!body.includes("root:"), line);
  }
  for (const length of ["-1", "x", "1e3", "99999999999999999999999"]) {
    const { status } = await raw("POST /.ferry/v1/pack", `Content-Length: ${length}\r\n`);
    assert(Number.isNaN(status) || (status >= 400 && status < 500), `${length}: ${status}`);
  }
});

Deno.test("the sync API says who is there and what may be done, to a user who may do something", async () => {
  using dir = makeShare();
  await using server = await serve(dir.at("share"), ["--anonymous", "r", "--auth", "ann:pw@/dir:rwd"]);
  const info = async (path: string, user?: string) =>
    JSON.parse((await call(server, "GET", "info", { path, user })).text);
  assertEquals([(await info("")).kind, (await info("")).permissions], ["dir", "r"]);
  assertEquals([(await info("dir", "ann:pw")).permissions, (await info("file")).kind], ["rwd", "file"]);
  assertEquals([(await info("none/deep")).kind, (await info("/dir/")).kind], ["absent", "dir"]);
  assertMatch((await info("")).ferry, /^\d+\.\d+\.\d+/);
});
