/** `ferry serve --config`: shares by path and by host name, flags over the file, and a file that is read again. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ferry, IN_SHARE, rawRequest, serve, type TempDir, tempDir, treeDigest } from "./harness.ts";

/** A configuration in `dir`, for this user alone. */
function writeConfig(dir: TempDir, config: unknown): string {
  const path = dir.at("ferry.jsonc");
  const text = typeof config === "string" ? config : JSON.stringify(config, null, 2);
  // As an editor does it: a server never sees half of it.
  Deno.writeTextFileSync(`${path}.new`, text, { mode: 0o600 });
  Deno.renameSync(`${path}.new`, path);
  return path;
}

/** Status, and the text where it is 200. */
async function get(url: string, user?: string): Promise<string> {
  const headers: HeadersInit = user === undefined ? {} : { authorization: `Basic ${btoa(`${user}:secret`)}` };
  const response = await fetch(url, { headers });
  const text = await response.text();
  return response.status === 200 ? text : String(response.status);
}

async function names(url: string, user?: string): Promise<string> {
  const text = await get(`${url}?format=json`, user);
  return text.startsWith("{")
    ? JSON.parse(text).entries.map(({ name }: { name: string }) => name).join(" ")
    : text;
}

Deno.test("shares by path: each with its folder, rules and options, and a listing above them", async () => {
  using dir = tempDir({
    "docs/a.txt": "docs",
    "site/index.html": "<p>site",
    "site/.dot": "dot",
    "in/x": "x",
  });
  const config = writeConfig(
    dir,
    `{
    // Paths start at the folder of this file.
    "users": { "ann": { "password": "secret", "rules": { "/in": "rwd" } } },
    "max-age": "1h",
    "shares": [
      { "path": "/docs", "folder": "docs" },
      { "path": "/www/site", "folder": "site", "index": "index.html", "hidden": true, "max-age": 0 },
      { "path": "/in", "folder": "in", "anonymous": "none", "max-upload": "1K" },
    ],
  }`,
  );
  await using server = await serve(null, ["--config", config]);
  const { url } = server;
  await logged(server, `ferry: serving ${dir.at("site")} at ${url}/www/site/\n`);
  assertEquals(await names(`${url}/`), "docs www");
  assertEquals(await names(`${url}/`, "ann"), "docs in www");
  assertEquals(await get(`${url}/docs/a.txt`), "docs");
  assertEquals(await get(`${url}/www/site/`, "ann"), "<p>site");
  assertEquals(await get(`${url}/www/site/.dot`), "dot");
  assertEquals(await get(`${url}/in/x`), "401");
  assertEquals(await get(`${url}/in/x`, "ann"), "x");
  const put = async (path: string, body: string) => {
    const headers = { authorization: `Basic ${btoa("ann:secret")}` };
    const response = await fetch(url + path, { method: "PUT", body, headers });
    await response.body?.cancel();
    return [response.status, response.headers.get("location")];
  };
  assertEquals(await put("/in/new", "new"), [201, "/in/new"]);
  assertEquals(Deno.readTextFileSync(dir.at("in/new")), "new");
  assertEquals(await put("/in/big", "x".repeat(1025)), [413, null]);
  assertEquals(await put("/docs/new", "new"), [403, null]);
  const caching = async (path: string) => {
    const response = await fetch(url + path, { method: "HEAD" });
    return response.headers.get("cache-control")?.replace(", no-transform", "");
  };
  assertEquals([await caching("/docs/a.txt"), await caching("/www/site/.dot")], [
    "max-age=3600",
    "max-age=0",
  ]);
});

Deno.test("shares by host name: each host has its own, all others the rest", async () => {
  using dir = tempDir({ "a/f": "of a", "b/f": "of b", "rest/f": "the rest", "deep/f": "deep" });
  const config = writeConfig(dir, {
    shares: [
      { host: ["a.example", "www.a.example"], folder: "a" },
      { host: "a.example", path: "/deep", folder: "deep" },
      { host: "b.example", folder: "b" },
      { folder: "rest" },
    ],
  });
  await using server = await serve(null, ["--config", config]);
  const body = async (host: string, path: string) => {
    const request = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
    const { status, body } = await rawRequest(server.port, request);
    return status === 200 ? body : String(status);
  };
  const cases: [host: string, path: string, body: string][] = [
    ["a.example", "/f", "of a"],
    [`A.Example:${server.port}`, "/f", "of a"],
    ["a.example", "/deep/f", "deep"],
    ["www.a.example", "/deep/f", "404"],
    ["b.example", "/f", "of b"],
    [`127.0.0.1:${server.port}`, "/f", "the rest"],
    ["other.example", "/f", "the rest"],
    ["a.example/f", "/f", "400"],
  ];
  for (const [host, path, expected] of cases) assertEquals(await body(host, path), expected, host + path);
  // The target in absolute form counts, not Host (RFC 9112 section 3.2.2).
  assertEquals(await body("a.example", "http://b.example/f"), "of b");
});

Deno.test("with several workers each knows the shares, also of what it hands on", async () => {
  using dir = tempDir({ "a/f": "of a", "b/f": "of b" });
  const shares = [{ host: "a.example", folder: "a" }, { host: "b.example", path: "/in", folder: "b" }];
  const config = writeConfig(dir, { workers: 2, anonymous: "rwd", shares });
  await using server = await serve(null, ["--config", config]);
  const ask = (head: string, body = "") =>
    rawRequest(server.port, `${head}\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  // New connections go to either worker.
  for (let i = 0; i < 12; i++) {
    assertEquals((await ask("GET /f HTTP/1.1\r\nHost: a.example")).body, "of a");
    assertEquals((await ask(`PUT /in/${i} HTTP/1.1\r\nHost: b.example`, "x")).status, 201);
    // The target counts, not Host.
    const put = await ask(`PUT http://a.example/${i} HTTP/1.1\r\nHost: b.example`, "x");
    assertEquals([put.status, put.headers.get("location")], [201, `/${i}`]);
  }
  const stored = (folder: string) =>
    [...Deno.readDirSync(dir.at(folder))].filter(({ isFile }) => isFile).length;
  assertEquals([stored("a"), stored("b")], [13, 13]);
});

Deno.test("a token that a sync made holds for one host, and for the folder in its share", async () => {
  using dir = tempDir({ "a/in/f": "of a", "b/in/f": "of b", "a/f": "beside" });
  const shares = [{ host: "a.example", path: "/x", folder: "a" }, { path: "/x", folder: "b" }];
  const config = writeConfig(dir, { shares });
  await using server = await serve(null, ["--config", config]);
  const ask = (host: string, line: string, more = "") =>
    rawRequest(server.port, `${line} HTTP/1.1\r\nHost: ${host}\r\n${more}Connection: close\r\n\r\n`);
  for (const [own, other, text] of [["a.example", "b", "of a"], ["b", "a.example", "of b"]]) {
    const made = await ask(own, "POST /.ferry/v1/token?path=x/in", "Content-Length: 0\r\n");
    const bearer = `Authorization: Bearer ${JSON.parse(made.body).token}\r\n`;
    const get = async (host: string, path: string) => {
      const { status, body } = await ask(host, `GET ${path}`, bearer);
      return status === 200 ? body : String(status);
    };
    assertEquals(await get(own, "/x/in/f"), text);
    assertEquals(await get(own, "/x/f"), "403");
    assertEquals(await get(other, "/x/in/f"), "403");
    assertEquals((await ask(own, "GET /.ferry/v1/info?path=x/in", bearer)).status, 200);
    assertEquals((await ask(other, "GET /.ferry/v1/info?path=x/in", bearer)).status, 403);
  }
});

Deno.test("a host that nothing is shared under is told so with 421, but for the server's health", async () => {
  using dir = tempDir({ "f": "f" });
  const config = writeConfig(dir, { shares: [{ host: "a.example", folder: "." }] });
  await using server = await serve(null, ["--config", config]);
  assertEquals(await get(`${server.url}/f`), "421");
  assertEquals(JSON.parse(await get(`${server.url}/.ferry/health`)).status, "ok");
});

Deno.test("a share inside another: its path is its own, whatever comes to lie under it", async () => {
  using dir = tempDir({ "top/f": "top", "docs/f": "docs" });
  const config = writeConfig(dir, {
    anonymous: "rwd",
    shares: [{ folder: "top" }, { path: "/docs", folder: "docs" }],
  });
  await using server = await serve(null, ["--config", config]);
  const { url } = server;
  assertEquals(await names(`${url}/`), "docs f");
  Deno.mkdirSync(dir.at("top/docs"));
  Deno.writeTextFileSync(dir.at("top/docs/late"), "late");
  assertEquals(await names(`${url}/`), "docs f");
  assertEquals(await names(`${url}/docs/`), "f");
  assertEquals(await get(`${url}/docs/late`), "404");
  const destination = `${url}/docs/copy`;
  const copy = await fetch(`${url}/f`, { method: "COPY", headers: { destination } });
  assertEquals(copy.status, 403);
  assertStringIncludes(await copy.text(), "another share");
});

Deno.test("ferry sync reaches each share by its path", async () => {
  using dir = tempDir({ "a/one": "1", "a/sub/two": "2", "b": null, "here": null, "own/x": "x" });
  const config = writeConfig(dir, {
    shares: [
      { path: "/from/a", folder: "a" },
      { path: "/b", folder: "b", anonymous: "rwd" },
    ],
  });
  await using server = await serve(null, ["--config", config, IN_SHARE]);
  const { url } = server;
  const sync = async (...args: string[]) => {
    const { code, stderr } = await ferry(["sync", ...args]);
    assertEquals(code, 0, stderr);
  };
  await sync(`${url}/from/a/`, dir.at("here"));
  assertEquals(await treeDigest(dir.at("here")), await treeDigest(dir.at("a")));
  await sync(`${url}/from/a/sub`, `${url}/b/deep`);
  assertEquals(await get(`${url}/b/deep/two`), "2");
  await sync("--delete", "--force", dir.at("own"), `${url}/b/`);
  assertEquals(await names(`${url}/b/`), "x");
  const { code, stderr } = await ferry(["sync", `${url}/`, dir.at("here")]);
  assertEquals(code, 22);
  assertStringIncludes(stderr, "nothing is shared at this path");
  const push = await ferry(["sync", dir.at("own"), `${url}/from/a/`]);
  assertEquals(push.code, 67, push.stderr);
  assert(Deno.readDirSync(dir.at("b/.ferry"))[Symbol.iterator]().next().value !== undefined);
});

Deno.test("a flag that is given counts before the file, in all shares", async () => {
  using dir = tempDir({ "a/.dot": "dot", "b/.dot": "dot", "b/f": "f" });
  const config = writeConfig(dir, {
    port: 1,
    log: "none",
    hidden: false,
    shares: [{ path: "/a", folder: "a", hidden: false }, { path: "/b", folder: "b", anonymous: "none" }],
  });
  await using server = await serve(null, [
    "--config",
    config,
    "--hidden",
    "--anonymous",
    "r",
    "--log",
    "json",
  ]);
  assertEquals(await get(`${server.url}/a/.dot`), "dot");
  assertEquals(await get(`${server.url}/b/.dot`), "dot");
  await server.stop();
  assertStringIncludes(server.log(), '"target":"/a/.dot"');
});

Deno.test("without shares in the file, DIR is served", async () => {
  using dir = tempDir({ "f": "f", ".dot": "dot" });
  using other = tempDir();
  const config = writeConfig(other, { hidden: true });
  await using server = await serve(dir.path, ["--config", config]);
  assertEquals(await get(`${server.url}/.dot`), "dot");
  const shares = writeConfig(other, { shares: [{ folder: dir.path }] });
  const { code, stderr } = await ferry(["serve", dir.path, "--port", "0", "--config", shares]);
  assertEquals(code, 2);
  assertStringIncludes(stderr, 'leave DIR, or its "shares", out');
});

Deno.test("--check-config names every mistake with its place, and serves nothing", async () => {
  using dir = tempDir({ "a/.ferry/trash/x": "", "b/c/x": "" });
  const bad = writeConfig(
    dir,
    `{
  "prot": 8420,
  "port": "8420",
  "peer": ["ftp://x"],
  "users": { "ann": { "password": "p", "rules": { "x": "r", "/y": "rx" } } },
  "shares": [
    { "path": "/a", "folder": "nowhere" },
    { "path": "/b", "folder": "b", "users": { "anm": "r" } },
    { "path": "/b", "folder": "a/.ferry/trash" },
    { "path": "/b/c", "folder": "a", "hiden": true, "hidden": true, "hidden": false },
    { "path": "/d" },
    { "path": "/e/../f", "folder": "a", "host": "a b" },
  ],
}`,
  );
  const { code, stdout, stderr } = await ferry(["serve", "--config", bad, "--check-config"]);
  assertEquals([code, stdout], [2, ""]);
  const at = (place: string, message: string) => `${bad}:${place}: ${message}`;
  assertEquals(stderr.trimEnd().split("\n"), [
    `ferry: ${bad} has 15 mistakes`,
    at("2:3", 'there is no key "prot" here; did you mean "port"?'),
    at("3:11", '"port" must be a whole number from 0 to 65535, not a text'),
    at("4:11", '"peer": ftp://x: must be the http or https URL of a server'),
    at("5:51", '"x" must be a URL path that starts with a slash'),
    at("5:67", '"/y" must be letters of r, w, d, s, or none'),
    at("7:31", `cannot share ${dir.at("nowhere")}: no such file or directory; give an existing folder`),
    at("8:54", "there is no user anm; did you mean ann?"),
    at("9:15", "puts it at /b, where share 2 is"),
    at("9:31", "lies in a .ferry folder, Ferry's own state, which is never shared"),
    at("10:15", `/b/c hides what share 2 has there, ${dir.at("b/c")}`),
    at("10:38", 'there is no key "hiden" here; did you mean "hidden"?'),
    at("10:69", 'the key "hidden" comes twice, first in line 10'),
    at("11:5", 'the key "folder" is missing'),
    at("12:15", '"path" must be a path as it is in a folder, not encoded; it has a dot segment'),
    at("12:49", '"host" must be a host name or address without a port'),
  ]);
  const syntax = writeConfig(dir, '{\n  "port": 1\n  "host": "::1",\n  name: 1,\n  "hidden": 1\n}\n');
  const broken = await ferry(["serve", "--config", syntax]);
  assertEquals(broken.code, 2);
  assertStringIncludes(broken.stderr, `${syntax}:3:3: a comma is missing\n`);
  assertStringIncludes(
    broken.stderr,
    `${syntax}:4:3: this is not JSON: texts and keys stand in double quotes\n`,
  );
  assertStringIncludes(broken.stderr, `${syntax}:5:13: "hidden" must be true or false, not a number\n`);

  const good = writeConfig(dir, { shares: [{ folder: "b" }] });
  const env = { XDG_STATE_HOME: dir.at("state") };
  const fine = await ferry(["serve", "--config", good, "--check-config"], { env });
  assertEquals([fine.code, fine.stdout, fine.stderr], [0, `${good}: all right\n`, ""]);
  assertEquals([...Deno.readDirSync(dir.path)].some(({ name }) => name === "state"), false);
  const missing = await ferry(["serve", "--config", dir.at("nothing.jsonc")]);
  assertEquals(missing.code, 2);
  assertStringIncludes(missing.stderr, "cannot be read: no such file or directory");
});

Deno.test("a password that others can read, and writing for anybody on the network, are mistakes", async () => {
  using dir = tempDir();
  const config = writeConfig(dir, {
    users: { ann: { password: "secret" } },
    writable: true,
    host: "0.0.0.0",
  });
  Deno.chmodSync(config, 0o644);
  const { code, stderr } = await ferry(["serve", dir.path, "--config", config]);
  assertEquals(code, 2);
  assertStringIncludes(stderr, ":4:19: the password can be read by other users of this machine");
  assertStringIncludes(stderr, ':7:15: "writable" lets anybody change files and is refused on 0.0.0.0');
  assert(!stderr.includes("secret"), stderr);
});

/** Waits until the server's log has `text`. */
async function logged(server: { log(): string }, text: string): Promise<void> {
  for (let i = 0; !server.log().includes(text); i++) {
    assert(i < 400, `"${text}" is not in the log: ${server.log()}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

Deno.test("SIGHUP: the file is read again, without a request lost; a bad one changes nothing", async () => {
  using dir = tempDir({ "a/f": "of a", "b/f": "of b" });
  const config = writeConfig(dir, { log: "none", shares: [{ path: "/x", folder: "a" }] });
  await using server = await serve(null, ["--config", config]);
  const { url } = server;
  let asked = 0;
  let going = true;
  const failures: string[] = [];
  const load = Promise.all(Array.from({ length: 4 }, async () => {
    while (going) {
      const body = await get(`${url}/x/f`).catch((error) => String(error));
      if (body !== "of a" && body !== "of b") failures.push(body);
      asked++;
    }
  }));
  try {
    assertEquals(await get(`${url}/x/f`), "of a");
    writeConfig(dir, { log: "none", shares: [{ path: "/x", folder: "b" }, { path: "/new", folder: "a" }] });
    Deno.kill(server.pid, "SIGHUP");
    await logged(server, "the new settings are in use");
    // Connections of before end with what they were asked.
    const fresh = async () => {
      const request = "GET /x/f HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
      return (await rawRequest(server.port, request)).body;
    };
    assertEquals(await fresh(), "of b");

    writeConfig(
      dir,
      '{ "log": "none",\n "shares": [{ "path": "/x", "folder": "a" }], "prot": 1, "hidden": 2 }',
    );
    Deno.kill(server.pid, "SIGHUP");
    await logged(server, "the old settings stay in use");
    assertStringIncludes(server.log(), `ferry: ${config} has 2 mistakes\n`);
    assertStringIncludes(server.log(), `ferry: ${config}:2:47: there is no key "prot" here`);
    assertEquals(await fresh(), "of b");

    writeConfig(dir, { log: "none", host: "::1", shares: [{ path: "/x", folder: "a" }] });
    Deno.kill(server.pid, "SIGHUP");
    await logged(server, "host, port and unix cannot change while the server runs");
    assertEquals(await fresh(), "of b");
  } finally {
    going = false;
    await load;
  }
  assertEquals(failures, []);
  assert(asked > 20, `only ${asked} requests were made`);
  assertEquals(await server.stop(), 0);
});
