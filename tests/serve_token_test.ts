import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ferry, rawRequest, serve, tempDir } from "./harness.ts";
import { bearer, statusOf, tokenServer } from "./token_tools.ts";

const TREE = {
  "docs/a.txt": "a",
  "docs/sub/b.txt": "b",
  "docs2/c.txt": "c",
  "secret.txt": "s",
  "in/x.txt": "x",
};

const PROPERTIES = '<propertyupdate xmlns="DAV:"><set><prop><x xmlns="y">z</x></prop></set></propertyupdate>';

Deno.test("serve --token-key lets a token do what it says, at its path and below, and nothing else", async () => {
  await using tokens = await tokenServer(TREE);
  const { server } = tokens;
  const [read, write, all] = await Promise.all([
    tokens.token("--path", "/docs"),
    tokens.token("--path", "/in/", "--perms", "w"),
    tokens.token("--perms", "rwd"),
  ]);
  const cases: [method: string, path: string, token: string, status: number, headers?: HeadersInit][] = [
    ["GET", "/docs/a.txt", read, 200],
    ["HEAD", "/docs/sub/b.txt", read, 200],
    ["GET", "/docs/", read, 200],
    ["PROPFIND", "/docs/", read, 207],
    // The prefix of a name is another name.
    ["GET", "/docs2/c.txt", read, 403],
    ["GET", "/doc", read, 403],
    ["GET", "/secret.txt", read, 403],
    ["GET", "/", read, 403],
    ["GET", "/missing", read, 403],
    ["GET", "/docs/missing", read, 404],
    ["PUT", "/docs/new", read, 403],
    ["DELETE", "/docs/a.txt", read, 403],
    ["MKCOL", "/docs/new", read, 403],
    ["PROPPATCH", "/docs/a.txt", read, 403],
    ["LOCK", "/docs/a.txt", read, 403],
    ["MOVE", "/docs/a.txt", read, 403, { destination: "/docs/z" }],
    ["COPY", "/docs/a.txt", read, 403, { destination: "/docs/z" }],
    ["COPY", "/docs/a.txt", read, 403, { destination: "/in/z" }],
    ["PUT", "/in/new", write, 201],
    ["GET", "/in/new", write, 403],
    ["PUT", "/inner", write, 403],
    ["DELETE", "/in/new", write, 403],
    // Neither end of a transfer may lie outside.
    ["COPY", "/secret.txt", write, 403, { destination: "/in/stolen" }],
    ["MOVE", "/secret.txt", write, 403, { destination: "/in/stolen" }],
    ["MOVE", "/in/new", write, 403, { destination: "/docs/new" }],
    ["COPY", "/docs/a.txt", all, 201, { destination: "/in/copied" }],
    ["DELETE", "/in/copied", all, 204],
  ];
  for (const [method, path, token, status, headers] of cases) {
    const body = method === "PUT" ? "new" : method === "PROPPATCH" ? PROPERTIES : undefined;
    const found = await statusOf(server.url + path, {
      method,
      body,
      headers: { ...headers, ...bearer(token) },
    });
    assertEquals([method, path, found], [method, path, status]);
  }
  assertEquals(await statusOf(`${server.url}/docs/a.txt`), 401);
  assertEquals(await statusOf(`${server.url}/docs/a.txt?token=${read}`), 401);
  // As a password, for clients that know nothing else.
  for (const user of ["", "x"]) {
    const headers = { authorization: `Basic ${btoa(`${user}:${read}`)}` };
    assertEquals(await statusOf(`${server.url}/docs/a.txt`, { headers }), 200);
  }
  assertEquals(await statusOf(`${server.url}/docs/a.txt`, { headers: bearer(`${read}x`) }), 401);
});

Deno.test("serve takes the path of a token for a path, however the request spells it", async () => {
  await using tokens = await tokenServer(TREE);
  const token = await tokens.token("--path", "/docs", "--perms", "rwd");
  const spellings = [
    "/docs/../secret.txt",
    "/docs/%2e%2e/secret.txt",
    "/docs/%2E./secret.txt",
    "/docs/..%2fsecret.txt",
    "/docs/..%5csecret.txt",
    "/docs/..\\secret.txt",
    "/docs/sub/../../secret.txt",
    "/docs/./../secret.txt",
    "/docs//../secret.txt",
    "//secret.txt",
    "/%64ocs2/c.txt",
    "/docs%2f..%2fsecret.txt",
    "/docs%00/../secret.txt",
    "/docs;/../secret.txt",
    "/docs%c0%af..%c0%afsecret.txt",
    "/.ferry/../secret.txt",
    "/docs/.ferry/../../secret.txt",
  ];
  for (const method of ["GET", "HEAD", "PUT", "DELETE", "MKCOL", "PROPFIND", "COPY", "MOVE", "OPTIONS"]) {
    for (const path of spellings) {
      const length = method === "PUT" ? "Content-Length: 3\r\n" : "";
      const { status, body } = await rawRequest(
        tokens.server.port,
        `${method} ${path} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${token}\r\nDestination: /docs/z\r\n${length}` +
          `Connection: close\r\n\r\n${method === "PUT" ? "new" : ""}`,
      );
      assert(
        status >= 400 && status < 500 || (method === "OPTIONS" && status === 204),
        `${method} ${path}: ${status}`,
      );
      assert(!/^[sc]$/m.test(body), `${method} ${path}`);
    }
    // And so is that of a Destination.
    if (method !== "COPY" && method !== "MOVE") continue;
    for (const destination of spellings) {
      const { status } = await rawRequest(
        tokens.server.port,
        `${method} /docs/a.txt HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${token}\r\n` +
          `Destination: ${destination}\r\nConnection: close\r\n\r\n`,
      );
      assert(status >= 400 && status < 500, `${method} to ${destination}: ${status}`);
    }
  }
  const encoded = await fetch(`${tokens.server.url}/%64ocs/%61.txt`, { headers: bearer(token) });
  assertEquals([encoded.status, await encoded.text()], [200, "a"]);
  assertEquals(Deno.readTextFileSync(tokens.dir.at("secret.txt")), "s");
});

Deno.test("serve refuses a token once it has ended, was revoked, or its user is gone", async () => {
  await using tokens = await tokenServer(TREE, ["--anonymous", "none", "--auth", "ann:pw@/docs:r"]);
  const get = (token: string, path = "/docs/a.txt") =>
    statusOf(tokens.server.url + path, { headers: bearer(token) });
  const [short, lasting, other, anns, nobodys] = await Promise.all([
    tokens.token("--expires", "1s"),
    tokens.token(),
    tokens.token(),
    tokens.token("--user", "ann"),
    tokens.token("--user", "eve"),
  ]);
  assertEquals([await get(lasting), await get(other), await get(anns), await get(nobodys)], [
    200,
    200,
    200,
    401,
  ]);
  assertEquals([await get(anns, "/secret.txt"), await get(lasting, "/secret.txt")], [403, 200]);
  const { code, stderr } = await tokens.run("revoke", [lasting]);
  assertEquals(code, 0, stderr);
  // At once, with the connection that was used before, too.
  assertEquals([await get(lasting), await get(other)], [401, 200]);
  const { stdout } = await tokens.run("inspect", ["--json", other]);
  await tokens.run("revoke", [JSON.parse(stdout).id]);
  assertEquals(await get(other), 401);
  while (await get(short) === 200) await new Promise((resolve) => setTimeout(resolve, 100));
  assertEquals(await get(short), 401);
  await tokens.restart();
  assertEquals([await get(lasting), await get(other), await get(anns), await get(short)], [
    401,
    401,
    200,
    401,
  ]);
  assert(!tokens.server.log().includes("ferry1."));
});

Deno.test("serve lets a token be used so often and no more, also by many at once and after kill -9", async () => {
  await using tokens = await tokenServer(TREE);
  const get = (token: string, path: string) => statusOf(tokens.server.url + path, { headers: bearer(token) });
  const token = await tokens.token("--path", "/docs", "--uses", "7");
  const many = await Promise.all(Array.from({ length: 40 }, () => get(token, "/docs/a.txt")));
  assertEquals(many.filter((status) => status === 200).length, 7);
  assertEquals(many.filter((status) => status === 403).length, 33);
  const other = await tokens.token("--path", "/docs", "--uses", "3");
  // What is refused is no use.
  assertEquals([await get(other, "/docs/missing"), await get(other, "/secret.txt")], [404, 403]);
  assertEquals([await get(other, "/docs/a.txt"), await get(other, "/docs/a.txt")], [200, 200]);
  await tokens.restart("SIGKILL");
  assertEquals(await get(token, "/docs/a.txt"), 403);
  assertEquals([await get(other, "/docs/a.txt"), await get(other, "/docs/a.txt")], [200, 403]);
  const { code, stdout } = await tokens.run("inspect", ["--json", other]);
  const { used, trouble } = JSON.parse(stdout);
  assertEquals([code, used.uses, trouble], [67, 3, "used up"]);
});

Deno.test("serve lets so many bytes pass with a token, up and down together", async () => {
  const large = new Uint8Array(300_000).map((_, i) => i * 7);
  await using tokens = await tokenServer({ "large": large, "small": "0123456789" });
  const { url } = tokens.server;
  const used = async (token: string) =>
    JSON.parse((await tokens.run("inspect", ["--json", token])).stdout).used.bytes;
  const token = await tokens.token("--perms", "rw", "--bytes", "1000000");
  const headers = bearer(token);
  const get = async (path: string, more = {}) => {
    const response = await fetch(url + path, { headers: { ...headers, ...more } });
    return [response.status, (await response.arrayBuffer()).byteLength];
  };
  assertEquals(await get("/large"), [200, 300_000]);
  assertEquals(await get("/small", { range: "bytes=0-4" }), [206, 5]);
  assertEquals(await statusOf(`${url}/large`, { method: "HEAD", headers }), 200);
  assertEquals(await used(token), 300_005);
  assertEquals(await statusOf(`${url}/up`, { method: "PUT", body: large, headers }), 201);
  assertEquals(await used(token), 600_005);
  // Of unknown length: it breaks off, and nothing is stored.
  const endless = () =>
    new ReadableStream<Uint8Array>({ pull: (controller) => controller.enqueue(new Uint8Array(65_536)) });
  const refused = await statusOf(`${url}/endless`, { method: "PUT", body: endless(), headers }).catch(() =>
    403
  );
  assertEquals(refused, 403);
  assertEquals(Deno.readDirSync(tokens.dir.path).some(({ name }) => name === "endless"), false);
  const left = 1_000_000 - await used(token);
  assert(left >= 0 && left < 400_000, String(left));
  assertEquals((await get("/large"))[0], left >= 300_000 ? 200 : 403);
  assertEquals(await statusOf(`${url}/up2`, { method: "PUT", body: large, headers }), 403);
  await tokens.restart("SIGKILL");
  assert(await used(token) <= 1_000_000);
  // What has no length breaks off.
  const little = await tokens.token("--bytes", "100000");
  const archive = fetch(`${tokens.server.url}/?archive=tar`, { headers: bearer(little) });
  assertEquals(
    await archive.then((response) => response.arrayBuffer()).then(() => "whole", () => "cut"),
    "cut",
  );
  assert(await used(little) <= 100_000);
  const tight = await tokens.token("--bytes", "9");
  assertEquals(await statusOf(`${tokens.server.url}/small`, { headers: bearer(tight) }), 403);
  assertEquals(await used(tight), 0);
  assertEquals(
    await statusOf(`${tokens.server.url}/small`, { headers: { ...bearer(tight), range: "bytes=0-8" } }),
    206,
  );
});

Deno.test("serve keeps uploads that go on to the path, the bytes and the life of their token", async () => {
  await using tokens = await tokenServer(TREE);
  const { url } = tokens.server;
  const [write, little] = await Promise.all([
    tokens.token("--path", "/in", "--perms", "w"),
    tokens.token("--path", "/in", "--perms", "w", "--bytes", "150000"),
  ]);
  const metadata = (name: string) => `filename ${btoa(name)}`;
  const create = (token: string, folder: string, name: string) => {
    const headers = {
      "tus-resumable": "1.0.0",
      "upload-length": "100000",
      "upload-metadata": metadata(name),
    };
    return fetch(`${url}/.ferry/tus${folder}`, { method: "POST", headers: { ...headers, ...bearer(token) } });
  };
  const append = async (token: string, response: Response) => {
    await response.body?.cancel();
    const location = new URL(response.headers.get("location") ?? "/missing", url);
    const headers = {
      "tus-resumable": "1.0.0",
      "upload-offset": "0",
      "content-type": "application/offset+octet-stream",
    };
    const body = new Uint8Array(100_000);
    return await statusOf(location.href, {
      method: "PATCH",
      headers: { ...headers, ...bearer(token) },
      body,
    });
  };
  const statusOfNew = async (...given: Parameters<typeof create>) => {
    const response = await create(...given);
    await response.body?.cancel();
    return response.status;
  };
  assertEquals([await statusOfNew(write, "/docs/", "new"), await statusOfNew(write, "/", "new")], [403, 403]);
  assertEquals(await append(write, await create(write, "/in/", "new")), 204);
  assertEquals(Deno.statSync(tokens.dir.at("in/new")).size, 100_000);
  assertEquals(await append(little, await create(little, "/in/", "first")), 204);
  assertEquals(await append(little, await create(little, "/in/", "second")), 403);
  const begun = await create(write, "/in/", "third");
  await tokens.run("revoke", [write]);
  assertEquals(await append(write, begun), 401);
});

Deno.test("request and sync carry tokens, by --token and FERRY_TOKEN, and end with 67 where one does not hold", async () => {
  await using tokens = await tokenServer(TREE, ["--anonymous", "none"]);
  const { url } = tokens.server;
  using out = tempDir({ "up/new.txt": "new" });
  const [read, write] = await Promise.all([
    tokens.token("--path", "/docs"),
    tokens.token("--path", "/in", "--perms", "rwd"),
  ]);
  const fetched = await ferry(["request", "--token", read, `${url}/docs/a.txt`]);
  assertEquals([fetched.code, fetched.stdout], [0, "a"]);
  const refused = await ferry(["request", `${url}/secret.txt`], { env: { FERRY_TOKEN: read } });
  assertEquals(refused.code, 67);
  const pulled = await ferry(["sync", `${url}/docs/`, out.at("docs")], { env: { FERRY_TOKEN: read } });
  assertEquals(pulled.code, 0, pulled.stderr);
  assertEquals(Deno.readTextFileSync(out.at("docs/sub/b.txt")), "b");
  const pushed = await ferry(["sync", "--delete", "--force", "--token", write, out.at("up"), `${url}/in/`]);
  assertEquals(pushed.code, 0, pushed.stderr);
  assertEquals(Deno.readTextFileSync(tokens.dir.at("in/new.txt")), "new");
  for (
    const args of [[out.at("up"), `${url}/docs/`], [`${url}/`, out.at("x")], [`${url}/docs2/`, out.at("x")]]
  ) {
    const { code, stderr } = await ferry(["sync", "--token", read, ...args]);
    assertEquals(code, 67, stderr);
    assert(!stderr.includes("ferry1."), stderr);
  }
});

Deno.test("a token makes shorter ones for jobs, which end with it and are revoked with it", async () => {
  await using tokens = await tokenServer(TREE);
  const { url } = tokens.server;
  const token = await tokens.token("--path", "/docs", "--expires", "60s");
  const ask = (path: string, token: string) =>
    fetch(`${url}/.ferry/v1/token?path=${path}`, { method: "POST", headers: bearer(token) });
  const response = await ask("docs/sub", token);
  assertEquals(response.status, 200);
  const part = await response.json();
  assert(part.expires <= Date.now() + 60_000, "no longer than the first one");
  const get = (path: string, token: string) => statusOf(url + path, { headers: bearer(token) });
  assertEquals([await get("/docs/sub/b.txt", part.token), await get("/docs/a.txt", part.token)], [200, 403]);
  assertEquals([await statusOf(`${url}/.ferry/v1/token?path=`, { method: "POST", headers: bearer(token) })], [
    403,
  ]);
  await tokens.run("revoke", [token]);
  assertEquals(await get("/docs/sub/b.txt", part.token), 401);
});

Deno.test("serve --token-key refuses a key that others may read, one that is none, and a missing one", async () => {
  using dir = tempDir({ "key": "ferry-key1.short\n" });
  Deno.chmodSync(dir.at("key"), 0o600);
  using shared = tempDir();
  const run = (...args: string[]) => ferry(["serve", shared.path, "--port", "0", ...args]);
  for (const [path, says] of [["key", "is no key"], ["missing", "ferry token key"], [".", "is no key"]]) {
    const { code, stderr } = await run("--token-key", dir.at(path));
    assertEquals(code, 2);
    assertStringIncludes(stderr, says);
  }
  assertEquals((await ferry(["token", "key", dir.at("made")])).code, 0);
  assertEquals(Deno.statSync(dir.at("made")).mode! & 0o777, 0o600);
  assertEquals((await ferry(["token", "key", dir.at("made")])).code, 2);
  Deno.chmodSync(dir.at("made"), 0o640);
  const { code, stderr } = await run("--token-key", dir.at("made"));
  assertEquals(code, 2);
  assertStringIncludes(stderr, "others may use it (mode 640)");
  assert(!stderr.includes("ferry-key1."), stderr);
});

Deno.test("serve refuses keys, accounts and users in the folder that it shares", async () => {
  using dir = tempDir();
  using own = tempDir();
  assertEquals((await ferry(["token", "key", dir.at("key")])).code, 0);
  assertEquals((await ferry(["token", "key", own.at("key")])).code, 0);
  Deno.writeTextFileSync(dir.at("users"), "");
  const cases: [args: string[], says: string][] = [
    [["--token-key", dir.at("key"), "--state-dir", own.path], "the key"],
    [["--token-key", own.at("key"), "--state-dir", dir.at("state")], "name another --state-dir"],
    [["--users", dir.at("users"), "--state-dir", own.path], "--users: the file"],
  ];
  for (const [args, says] of cases) {
    const { code, stderr } = await ferry(["serve", dir.path, "--port", "0", ...args]);
    assertEquals(code, 2);
    assertStringIncludes(stderr, says);
    assertStringIncludes(stderr, "would lie in the shared folder");
  }
  assertEquals([...Deno.readDirSync(dir.path)].map(({ name }) => name).sort(), ["key", "users"]);
});

Deno.test("a server honours no token of another key, and none without one", async () => {
  await using tokens = await tokenServer(TREE);
  await using plain = await serve(tokens.dir.path, ["--anonymous", "none"]);
  await using other = await tokenServer(TREE);
  const token = await tokens.token();
  const get = (url: string) => statusOf(`${url}/docs/a.txt`, { headers: bearer(token) });
  assertEquals([await get(tokens.server.url), await get(plain.url), await get(other.server.url)], [
    200,
    401,
    401,
  ]);
});

Deno.test("serve --workers counts and revokes tokens for all its workers", async () => {
  await using tokens = await tokenServer(TREE, ["--anonymous", "none", "--workers", "3"]);
  const get = async (token: string) => {
    const headers = { ...bearer(token), connection: "close" };
    return await statusOf(`${tokens.server.url}/docs/a.txt`, { headers });
  };
  const [counted, lasting] = await Promise.all([tokens.token("--uses", "9"), tokens.token()]);
  const many = await Promise.all(Array.from({ length: 60 }, () => get(counted)));
  assertEquals(many.filter((status) => status === 200).length, 9);
  assertEquals(await get(lasting), 200);
  await tokens.run("revoke", [lasting]);
  const after = await Promise.all(Array.from({ length: 30 }, () => get(lasting)));
  assertEquals(new Set(after), new Set([401]));
});
