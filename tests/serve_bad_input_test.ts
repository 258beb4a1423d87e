import { assert, assertEquals } from "@std/assert";
import { rawRequest, serve, tempDir, variesByAccept } from "./harness.ts";

Deno.test("serve answers malformed headers as RFC 9110 says, never with 500", async () => {
  using dir = tempDir({ "a.txt": "0123456789" });
  await using server = await serve(dir.path, ["--auth", "ann:pw"]);
  const cases: [string, number][] = [
    ["Range: bytes=abc", 200],
    ["Range: \xff\xfe", 200],
    ["Range: bytes=" + "0-0,".repeat(5000), 200],
    ["If-None-Match: unquoted", 200],
    ["If-None-Match: " + '"x",'.repeat(5000), 200],
    ["If-Modified-Since: yesterday", 200],
    ["If-Unmodified-Since: Thu, 99 Foo 9999 99:99:99 GMT", 200],
    ["If-Match: ", 412],
    ["Authorization: ", 401],
    ["Authorization: Basic", 401],
    ["Authorization: Basic ====", 401],
    ["Authorization: Basic \xff", 401],
    ["Authorization: Digest username=x", 401],
    ["Accept: ;;;,,q=\xff", 200],
    ["Accept: */*;q=banana", 200],
    ["Host: y", 400],
    ["Content-Length: 5, 6", 400],
    ["Content-Length: -1", 400],
    ["Content-Length: 99999999999999999999999", 400],
  ];
  for (const [header, wanted] of cases) {
    const request = `GET /a.txt HTTP/1.1\r\nHost: x\r\n${header}\r\nConnection: close\r\n\r\n`;
    const { status } = await rawRequest(server.port, request);
    assertEquals(status, wanted, header.slice(0, 60));
  }
});

Deno.test("serve takes neither both framings of a body nor two lengths", async () => {
  using dir = tempDir();
  await using server = await serve(dir.path, ["--writable"]);
  const head = "PUT /smuggled HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
  const cases = [
    "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
  ];
  for (const rest of cases) {
    assertEquals((await rawRequest(server.port, head + rest)).status, 400, rest);
  }
  assertEquals([...Deno.readDirSync(dir.path)], []);
  // In this order Deno before 2.9 goes by Transfer-Encoding, as RFC 9112 section 6.3 allows, and shows no length.
  const other = `${head}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\nGET /`;
  const { status } = await rawRequest(server.port, other);
  assert(status === 400 || (status === 201 && Deno.statSync(dir.at("smuggled")).size === 0), String(status));
});

Deno.test("serve survives 100 KB of headers, half requests and noise", async () => {
  using dir = tempDir({ "a.txt": "fine" });
  await using server = await serve(dir.path, ["--writable"]);
  const end = "Connection: close\r\n\r\n";
  const cases = [
    `GET /a.txt HTTP/1.1\r\nHost: x\r\nX-Long: ${"a".repeat(100_000)}\r\n${end}`,
    `GET /a.txt HTTP/1.1\r\nHost: x\r\n${
      Array.from({ length: 2000 }, (_, i) => `X-${i}: ${"b".repeat(40)}\r\n`).join("")
    }${end}`,
    `GET /${"c".repeat(100_000)} HTTP/1.1\r\nHost: x\r\n${end}`,
    `GET /?${"d".repeat(60_000)} HTTP/1.1\r\nHost: x\r\n${end}`,
    `GET a.txt HTTP/1.1\r\nHost: x\r\n${end}`,
    `GET /a.txt HTTP/9.9\r\nHost: x\r\n${end}`,
    `\r\n\r\n\x00\x01\x02\r\n\r\n`,
    `CONNECT x:1 HTTP/1.1\r\nHost: x\r\n${end}`,
    `OPTIONS * HTTP/1.1\r\nHost: x\r\n${end}`,
    `TRACE / HTTP/1.1\r\nHost: x\r\n${end}`,
  ];
  for (const request of cases) {
    const { status } = await rawRequest(server.port, request, 5000);
    assert(Number.isNaN(status) || status < 500, `${status}: ${request.slice(0, 60)}`);
  }
  const half = await Deno.connect({ port: server.port });
  await half.write(new TextEncoder().encode("GET /a.txt HT"));
  assertEquals(await (await fetch(`${server.url}/a.txt`)).text(), "fine");
  half.close();
  assertEquals(await server.stop(), 0);
  assert(!server.log().includes("unexpected"), server.log());
});

Deno.test("serve shows a browser a page for an error, and a program a problem", async () => {
  using dir = tempDir();
  await using server = await serve(dir.path);
  const page = await fetch(`${server.url}/%3Cb%3E`, { headers: { accept: "text/html" } });
  assertEquals([page.status, page.headers.get("content-type")], [404, "text/html; charset=utf-8"]);
  assert((await page.text()).includes("<h1>404"));
  const problem = await fetch(`${server.url}/missing`);
  assertEquals(problem.headers.get("content-type"), "application/problem+json");
  assert(variesByAccept(problem));
  const { type, title, status, detail } = await problem.json();
  assertEquals([type, title, status, typeof detail], ["about:blank", "Not Found", 404, "string"]);
});
