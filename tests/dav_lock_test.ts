/** LOCK, UNLOCK, and what a lock keeps from whom. */
import { assert, assertEquals } from "@std/assert";
import { ask, rawRequest, serve, type Server, tempDir } from "./harness.ts";
import { create, metadata, patch, TUS } from "./tus_requests.ts";

const INFO = (scope: string) =>
  `<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:${scope}/></D:lockscope><D:locktype><D:write/></D:locktype>` +
  "<D:owner>me &amp; you</D:owner></D:lockinfo>";

async function lock(
  server: Server,
  path: string,
  options: { scope?: string; headers?: Record<string, string> } = {},
) {
  const answer = await ask(server, "LOCK", path, options.headers, INFO(options.scope ?? "exclusive"));
  return { ...answer, token: answer.headers.get("lock-token") ?? "" };
}

/** The status of each request that would change what is at or below `/dir`. */
async function attempts(
  server: Server,
  headers: Record<string, string> = {},
): Promise<Record<string, number>> {
  const patch = '<propertyupdate xmlns="DAV:"><set><prop><p xmlns="urn:x"/></prop></set></propertyupdate>';
  const all: [string, string, Record<string, string>?, string?][] = [
    ["PUT", "/dir/f", {}, "y"],
    ["PUT", "/dir/link", {}, "y"],
    ["PUT", "/way/f", {}, "y"],
    ["PUT", "/dir/new", {}, "y"],
    ["PUT", "/dir/a/b/new", {}, "y"],
    ["MKCOL", "/dir/sub2"],
    ["PROPPATCH", "/dir/f", {}, patch],
    ["DELETE", "/dir/f"],
    ["DELETE", "/way/f"],
    ["MOVE", "/dir/f", { destination: "/g" }],
    ["MOVE", "/h", { destination: "/dir/f" }],
    ["COPY", "/h", { destination: "/dir/f" }],
    ["COPY", "/h", { destination: "/way/new" }],
    ["MOVE", "/dir", { destination: "/dir2" }],
    ["DELETE", "/dir"],
    ["COPY", "/other", { destination: "/dir" }],
    ["LOCK", "/dir/f", {}, INFO("exclusive")],
  ];
  const result: Record<string, number> = {};
  for (const [method, path, more, body] of all) {
    const { status } = await ask(server, method, path, { ...headers, ...more }, body);
    result[`${method} ${path} ${more?.destination ?? ""}`.trim()] = status;
  }
  return result;
}

function share() {
  const dir = tempDir({ "dir/f": "x", "h": "x", "other/z": "x" });
  Deno.symlinkSync("f", dir.at("dir/link"));
  Deno.symlinkSync("dir", dir.at("way"));
  return dir;
}

Deno.test("a deep lock of a folder keeps all changes from those without its token, whatever path they take", async () => {
  using dir = share();
  await using server = await serve(dir.path, ["--writable"]);
  const { status, token, text } = await lock(server, "/dir/", { headers: { timeout: "Second-100" } });
  assertEquals(status, 200);
  assert(text.includes("<D:timeout>Second-100</D:timeout>") && text.includes("me &amp; you"), text);
  for (const [request, status] of Object.entries(await attempts(server))) assertEquals(status, 423, request);
  const refused = await ask(server, "PUT", "/dir/f", {}, "y");
  assertEquals(refused.headers.get("content-type"), "application/xml; charset=utf-8");
  assert(refused.text.includes("<D:lock-token-submitted><D:href>/dir/</D:href>"), refused.text);
  assertEquals(Deno.readTextFileSync(dir.at("dir/f")), "x");
  assertEquals((await ask(server, "GET", "/dir/f")).status, 200);
  // With the token it goes, without it having to be about this very path.
  const tagged = { if: `<${server.url}/dir/>(${token})` };
  assertEquals((await ask(server, "PUT", "/dir/f", tagged, "y")).status, 204);
  assertEquals((await ask(server, "PUT", "/dir/f", { if: `(${token})` }, "z")).status, 204);
  assertEquals((await ask(server, "PUT", "/dir/f", { if: `(${token} ["no"])` }, "z")).status, 412);
  assertEquals((await ask(server, "PUT", "/h", { if: `(${token})` }, "z")).status, 412);
  const found = await ask(server, "PROPFIND", "/dir/f", { depth: "0" });
  assert(found.text.includes(`<D:locktoken><D:href>${token.slice(1, -1)}</D:href>`), found.text);
  assertEquals((await ask(server, "UNLOCK", "/dir/f", { "lock-token": "<urn:uuid:none>" })).status, 409);
  assertEquals((await ask(server, "UNLOCK", "/h", { "lock-token": token })).status, 409);
  assertEquals((await ask(server, "UNLOCK", "/dir/f", {})).status, 400);
  assertEquals((await ask(server, "UNLOCK", "/dir/f", { "lock-token": token })).status, 204);
  assertEquals((await ask(server, "PUT", "/dir/f", {}, "y")).status, 204);
});

Deno.test("a lock of a folder alone keeps its members as they are, not their contents", async () => {
  using dir = share();
  await using server = await serve(dir.path, ["--writable"]);
  await lock(server, "/dir/", { headers: { depth: "0" } });
  assertEquals(await attempts(server), {
    "PUT /dir/f": 204,
    "PUT /dir/link": 204,
    "PUT /way/f": 204,
    "PUT /dir/new": 423,
    "PUT /dir/a/b/new": 423,
    "MKCOL /dir/sub2": 423,
    "PROPPATCH /dir/f": 207,
    "DELETE /dir/f": 423,
    "DELETE /way/f": 423,
    "MOVE /dir/f /g": 423,
    "MOVE /h /dir/f": 204,
    "COPY /h /dir/f": 404,
    "COPY /h /way/new": 404,
    "MOVE /dir /dir2": 423,
    "DELETE /dir": 423,
    "COPY /other /dir": 423,
    "LOCK /dir/f": 200,
  });
});

Deno.test("a lock of a file keeps the folders above it where they are, and ends with the file", async () => {
  using dir = share();
  await using server = await serve(dir.path, ["--writable"]);
  const { token } = await lock(server, "/way/f");
  const refused = await ask(server, "DELETE", "/dir");
  assertEquals(refused.status, 423);
  assertEquals((await ask(server, "PUT", "/dir/link", {}, "y")).status, 423);
  const below = await lock(server, "/dir/");
  assertEquals(below.status, 207);
  assert(
    /<D:href>\/way\/f<\/D:href><D:status>HTTP\/1.1 423 .*\n.*<D:href>\/dir\/<.*424 /.test(below.text),
    below.text,
  );
  const moved = await ask(server, "MOVE", "/dir/f", { destination: "/g", if: `(${token})` });
  assertEquals(moved.status, 201);
  assertEquals((await ask(server, "PUT", "/g", {}, "y")).status, 204);
  assertEquals((await ask(server, "PUT", "/dir/f", {}, "y")).status, 201);
});

Deno.test("shared locks go with each other, and any of their tokens opens", async () => {
  using dir = tempDir({ "f": "x" });
  await using server = await serve(dir.path, ["--writable"]);
  const one = await lock(server, "/f", { scope: "shared" });
  const two = await lock(server, "/f", { scope: "shared" });
  assertEquals([one.status, two.status], [200, 200]);
  const three = await lock(server, "/f");
  assertEquals(three.status, 423);
  assert(three.text.includes("<D:no-conflicting-lock>"), three.text);
  assertEquals((await ask(server, "PUT", "/f", {}, "y")).status, 423);
  for (const { token } of [one, two]) {
    assertEquals((await ask(server, "PUT", "/f", { if: `(${token})` }, "y")).status, 204);
  }
  await ask(server, "UNLOCK", "/f", { "lock-token": one.token });
  assertEquals((await ask(server, "PUT", "/f", {}, "y")).status, 423);
  await ask(server, "UNLOCK", "/f", { "lock-token": two.token });
  assertEquals((await ask(server, "PUT", "/f", {}, "y")).status, 204);
});

Deno.test("a lock of nothing makes an empty file, is refreshed by its token, and survives a restart", async () => {
  using dir = tempDir({ "folder": null });
  let token: string;
  {
    await using server = await serve(dir.path, ["--writable"]);
    const made = await lock(server, "/folder/new");
    assertEquals([made.status, made.headers.get("location")], [201, "/folder/new"]);
    assertEquals(Deno.statSync(dir.at("folder/new")).size, 0);
    token = made.token;
    for (const path of ["/no/new", "/folder/new2/"]) assertEquals((await lock(server, path)).status, 409);
    assertEquals((await lock(server, "/f", { headers: { depth: "1" } })).status, 400);
  }
  await using server = await serve(dir.path, ["--writable"]);
  assertEquals((await ask(server, "PUT", "/folder/new", {}, "y")).status, 423);
  const again = await ask(server, "LOCK", "/folder/new", { if: `(${token})`, timeout: "Second-7" });
  assertEquals(again.status, 200);
  assert(again.text.includes("<D:timeout>Second-7</D:timeout>"), again.text);
  assertEquals((await ask(server, "LOCK", "/folder/new", { if: "(Not <urn:x:1>)" })).status, 412);
  assertEquals((await ask(server, "LOCK", "/folder/new", {})).status, 400);
});

Deno.test("serve heeds If on requests that read, with the tags of coded files too", async () => {
  using dir = tempDir({ "f.txt": "text ".repeat(1000), "dir/x": "x" });
  await using server = await serve(dir.path, ["--writable"]);
  const plain = (await ask(server, "GET", "/f.txt", { "accept-encoding": "identity" })).headers.get("etag")!;
  const coded = (await ask(server, "GET", "/f.txt", { "accept-encoding": "gzip" })).headers.get("etag")!;
  assert(coded !== plain && coded.endsWith(':gzip"'), coded);
  const { token } = await lock(server, "/dir/");
  const cases: [string, number][] = [
    [`([${plain}])`, 200],
    [`([${coded}])`, 200],
    ['(["other"])', 412],
    [`(Not [${plain}])`, 412],
    [`(${token})`, 412],
    [`<${server.url}/dir/>(${token})`, 200],
    ["broken", 400],
  ];
  for (const [header, status] of cases) {
    for (const method of ["GET", "HEAD"]) {
      assertEquals(
        (await ask(server, method, "/f.txt", { if: header })).status,
        status,
        `${method} ${header}`,
      );
    }
    const found = await ask(server, "PROPFIND", "/f.txt", { if: header, depth: "0" });
    assertEquals(found.status, status === 200 ? 207 : status, `PROPFIND ${header}`);
  }
  assertEquals((await ask(server, "GET", "/dir/x", { if: `(${token})` })).status, 200);
  assertEquals((await ask(server, "GET", "/none", { if: '(["other"])' })).status, 404);
  assertEquals((await ask(server, "PUT", "/f.txt", { if: `([${coded}])` }, "y")).status, 204);
  assertEquals((await ask(server, "PUT", "/f.txt", { if: `([${coded}])` }, "z")).status, 412);
});

Deno.test("an upload that goes on does not get past a lock, taken before it or while it is under way", async () => {
  using dir = tempDir({ "f": "old", "dir/x": "x" });
  await using server = await serve(dir.path, ["--writable"]);
  const url = await create(server.url, "f", 3);
  assertEquals((await patch(url, 0, "ne")).status, 204);
  const { token } = await lock(server, "/f");
  assertEquals((await patch(url, 2, "w")).status, 423);
  assertEquals(Deno.readTextFileSync(dir.at("f")), "old");
  const folder = await lock(server, "/dir/", { headers: { depth: "0" } });
  const headers = { ...TUS, "upload-length": "1", "upload-metadata": metadata({ filename: "new" }) };
  const refused = await ask(server, "POST", "/.ferry/tus/dir/", headers);
  assertEquals(refused.status, 423, refused.text);
  for (const [path, held] of [["/f", token], ["/dir/", folder.token]]) {
    assertEquals((await ask(server, "UNLOCK", path, { "lock-token": held })).status, 204);
  }
  assertEquals((await patch(url, 3, "")).status, 204);
  assertEquals(Deno.readTextFileSync(dir.at("f")), "new");
});

Deno.test("a lock holds whichever worker a request comes to", async () => {
  using dir = tempDir({ "f": "x" });
  await using server = await serve(dir.path, ["--writable", "--workers", "3"]);
  /** By a connection of its own, as any client's. */
  const statuses = async (method: string, headers: string, body = "") => {
    const request = `${method} /f HTTP/1.1\r\nHost: a\r\nConnection: close\r\n` +
      `${headers}Content-Length: ${body.length}\r\n\r\n${body}`;
    const answers = Array.from({ length: 8 }, () => rawRequest(server.port, request));
    return [...new Set((await Promise.all(answers)).map(({ status }) => status))];
  };
  const locked = await Promise.all(Array.from({ length: 8 }, () => lock(server, "/f")));
  assertEquals(locked.map(({ status }) => status).sort(), [200, ...Array(7).fill(423)]);
  const token = locked.find(({ status }) => status === 200)?.token ?? "";
  assertEquals(await statuses("PUT", "", "y"), [423]);
  assertEquals(await statuses("GET", `If: (Not ${token})\r\n`), [412]);
  assertEquals(await statuses("PUT", `If: (${token})\r\n`, "y"), [204]);
  assertEquals((await ask(server, "UNLOCK", "/f", { "lock-token": token })).status, 204);
  assertEquals(await statuses("PUT", "", "y"), [204]);
});

Deno.test("a token is of use to the user alone who got it, and shown to no other", async () => {
  using dir = tempDir({ "f": "x", "open/g": "x" });
  const auth = ["--anonymous", "r", "--auth", "ann:a", "--auth", "ben:b", "--auth", "cy:c@/open:rw"];
  await using server = await serve(dir.path, auth);
  const as = (user: string, password: string) => ({ authorization: `Basic ${btoa(`${user}:${password}`)}` });
  const { token, status } = await lock(server, "/f", { headers: as("ann", "a") });
  assertEquals(status, 200);
  const put = async (headers: Record<string, string>) =>
    (await ask(server, "PUT", "/f", headers, "y")).status;
  assertEquals(await put({ ...as("ben", "b"), if: `(${token})` }), 423);
  assertEquals((await ask(server, "UNLOCK", "/f", { ...as("ben", "b"), "lock-token": token })).status, 403);
  assertEquals((await ask(server, "LOCK", "/f", { ...as("ben", "b"), if: `(${token})` })).status, 412);
  const seen = await ask(server, "PROPFIND", "/f", { ...as("ben", "b"), depth: "0" });
  assert(seen.text.includes("<D:activelock>") && !seen.text.includes(token.slice(1, -1)), seen.text);
  assertEquals(await put({ if: `(${token})` }), 401);
  assertEquals(await put({ ...as("ann", "a"), if: `(${token})` }), 204);
  // A lock reaches no further than its owner may write.
  assertEquals((await lock(server, "/", { headers: as("cy", "c") })).status, 403);
  assertEquals((await lock(server, "/open/g", { headers: as("cy", "c") })).status, 200);
});
