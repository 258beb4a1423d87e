/** The rows of docs/http.md that no other file tests. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { rawRequest, serve, tempDir } from "./harness.ts";

Deno.test("serve answers HEAD as GET but for the body, whatever the request is", async () => {
  using dir = tempDir({
    "a.txt": "hello",
    "large.bin": new Uint8Array(400_000),
    "empty": "",
    "sub/x": "x",
    "page.html": "<p>".repeat(1000),
  });
  await using server = await serve(dir.path, ["--auth", "ann:pw"]);
  const tag = (await fetch(`${server.url}/a.txt`, { method: "HEAD" })).headers.get("etag") ?? "";
  const cases: [string, Record<string, string>][] = [
    ["/a.txt", {}],
    ["/large.bin", {}],
    ["/empty", {}],
    ["/page.html", { "accept-encoding": "gzip" }],
    ["/a.txt?download", {}],
    ["/a.txt", { "if-none-match": tag }],
    ["/a.txt", { "if-match": '"x"' }],
    ["/sub/", {}],
    ["/sub/?format=json", {}],
    ["/sub/?format=text", {}],
    ["/sub/?format=odd", {}],
    ["/sub", {}],
    ["/missing", {}],
    ["/missing", { accept: "text/html" }],
    ["/a.txt", { authorization: "Basic x" }],
    ["/.ferry/health", {}],
  ];
  for (const [path, headers] of cases) {
    const [get, head] = await Promise.all(["GET", "HEAD"].map(async (method) => {
      const response = await fetch(server.url + path, { method, headers, redirect: "manual" });
      const body = await response.arrayBuffer();
      const all = Object.fromEntries(
        [...response.headers].filter(([name]) => name !== "date" && name !== "x-request-id"),
      );
      // Deno before 2.9 adds this to answers with a body.
      all.vary = (all.vary ?? "").split(/, */).filter((name) => name.toLowerCase() !== "accept-encoding")
        .join();
      return { status: response.status, headers: all, length: body.byteLength };
    }));
    const about = `${path} ${JSON.stringify(headers)}`;
    assertEquals([head.status, head.headers, head.length], [get.status, get.headers, 0], about);
  }
});

Deno.test("serve answers 405 with Allow to methods that it knows, and 501 to those that nobody does", async () => {
  using dir = tempDir({ "a.txt": "x" });
  await using server = await serve(dir.path);
  for (
    const [method, status] of [["POST", 405], ["PATCH", 405], ["TRACE", 405], ["FOO", 501], ["get", 501]]
  ) {
    const request = `${method} /a.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
    const response = await rawRequest(server.port, request);
    assertEquals(response.status, status, String(method));
    if (status === 405) assertMatch(response.headers.get("allow") ?? "", /\bGET, HEAD\b/);
  }
});

Deno.test("serve answers OPTIONS for a path and for the whole server, also where nothing is", async () => {
  using dir = tempDir({ "a.txt": "x" });
  await using server = await serve(dir.path);
  for (const target of ["/a.txt", "/", "/none", "*"]) {
    const request = `OPTIONS ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
    const response = await rawRequest(server.port, request);
    assertEquals([response.status, response.body], [204, ""], target);
    assertMatch(response.headers.get("allow") ?? "", /\bGET, HEAD\b/);
  }
});

Deno.test("serve dates every answer", async () => {
  using dir = tempDir({ "a.txt": "hello" });
  await using server = await serve(dir.path);
  for (const path of ["/a.txt", "/", "/missing"]) {
    const response = await fetch(server.url + path);
    await response.body?.cancel();
    assert(Math.abs(Date.parse(response.headers.get("date") ?? "") - Date.now()) < 60_000, path);
  }
});

Deno.test("serve has caches ask each time for files and listings, for --max-age after that, and keeps no errors", async () => {
  using dir = tempDir({ "a.txt": "hello", "sub/x": "x" });
  const control = async (url: string, headers: Record<string, string> = {}) => {
    const response = await fetch(url, { headers });
    await response.body?.cancel();
    // Deno before 2.9 would else compress bodies.
    return (response.headers.get("cache-control") ?? "").replace(/, no-transform$/, "");
  };
  {
    await using server = await serve(dir.path);
    const etag = (await fetch(`${server.url}/a.txt`, { method: "HEAD" })).headers.get("etag") ?? "";
    assertEquals(await control(`${server.url}/a.txt`), "no-cache");
    assertEquals(await control(`${server.url}/a.txt`, { "if-none-match": etag }), "no-cache");
    assertEquals(await control(`${server.url}/a.txt`, { range: "bytes=0-1" }), "no-cache");
    assertEquals(await control(`${server.url}/sub/`), "no-cache");
    assertEquals(await control(`${server.url}/missing`), "no-store");
  }
  await using server = await serve(dir.path, ["--max-age", "1h"]);
  assertEquals(await control(`${server.url}/a.txt`), "max-age=3600");
  assertEquals(await control(`${server.url}/sub/`), "no-cache");
});

Deno.test("serve names the file for a browser to store where ?download asks for it", async () => {
  const name = 'é "1".txt';
  using dir = tempDir({ [name]: "hello", "plain.txt": "x" });
  await using server = await serve(dir.path);
  const plain = await fetch(`${server.url}/plain.txt?download`);
  assertEquals(await plain.text(), "x");
  assertEquals(plain.headers.get("content-disposition"), 'attachment; filename="plain.txt"');
  const odd = await fetch(`${server.url}/${encodeURIComponent(name)}?download=1`, {
    headers: { range: "bytes=0-1" },
  });
  assertEquals([odd.status, await odd.text()], [206, "he"]);
  assertEquals(
    odd.headers.get("content-disposition"),
    "attachment; filename=\"_ _1_.txt\"; filename*=UTF-8''%C3%A9%20%221%22.txt",
  );
  const without = await fetch(`${server.url}/plain.txt`);
  await without.body?.cancel();
  assertEquals(without.headers.get("content-disposition"), null);
});

Deno.test("serve sends 100 Continue when it will read the body", async () => {
  using dir = tempDir();
  await using server = await serve(dir.path, ["--writable"]);
  const connection = await Deno.connect({ port: server.port });
  const text = async () => {
    const buffer = new Uint8Array(4096);
    const count = await connection.read(buffer) ?? 0;
    return new TextDecoder().decode(buffer.subarray(0, count));
  };
  const send = (part: string) => connection.write(new TextEncoder().encode(part));
  await send("PUT /new HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  assertMatch(await text(), /^HTTP\/1\.1 100 /);
  await send("abc");
  assertMatch(await text(), /^HTTP\/1\.1 201 /);
  connection.close();
  assertEquals(Deno.readTextFileSync(dir.at("new")), "abc");
});

Deno.test("serve refuses a PUT under a content coding with 415, and says what it takes", async () => {
  using dir = tempDir({ "a.txt": "old" });
  await using server = await serve(dir.path, ["--writable"]);
  const put = (coding: string) =>
    fetch(`${server.url}/a.txt`, { method: "PUT", headers: { "content-encoding": coding }, body: "new" });
  for (const coding of ["gzip", "x-odd", "identity, br"]) {
    const response = await put(coding);
    await response.body?.cancel();
    assertEquals([response.status, response.headers.get("accept-encoding")], [415, "identity"], coding);
    assertEquals(Deno.readTextFileSync(dir.at("a.txt")), "old");
  }
  assertEquals((await put("identity")).status, 204);
});

Deno.test("serve takes a target in absolute form, and none that is too long", async () => {
  using dir = tempDir({ "a.txt": "hello" });
  await using server = await serve(dir.path);
  const ask = (target: string, header = "") =>
    rawRequest(server.port, `GET ${target} HTTP/1.1\r\nHost: x\r\n${header}Connection: close\r\n\r\n`);
  const absolute = await ask("http://x/a.txt");
  assertEquals([absolute.status, absolute.body], [200, "hello"]);
  // The runtime answers these itself: Deno before 2.9 with 414 and 431, later ones with 400.
  assert([400, 414].includes((await ask(`/${"a".repeat(70_000)}`)).status));
  assert([400, 431].includes((await ask("/a.txt", `X-Long: ${"a".repeat(1_000_000)}\r\n`)).status));
});
