import { assert, assertEquals, assertMatch } from "@std/assert";
import { rawRequest, serve, tempDir } from "./harness.ts";

/** The access lines of a server that has ended. */
function accessLines(log: string): string[] {
  return log.split("\n").filter((line) => line !== "" && !line.startsWith("ferry: "));
}

Deno.test("serve logs each request in the combined format, with the bytes that were sent", async () => {
  using dir = tempDir({ "a.txt": "hello", "large": "x".repeat(1_000_000) });
  await using server = await serve(dir.path);
  const headers = { "user-agent": "test/1", "referer": "http://elsewhere/" };
  for (
    const [method, path] of [["GET", "/a.txt?q"], ["HEAD", "/a.txt"], ["GET", "/large"], ["GET", "/missing"]]
  ) {
    await (await fetch(server.url + path, { method, headers })).arrayBuffer();
  }
  await server.stop();
  const lines = accessLines(server.log());
  assertEquals(lines.length, 4, server.log());
  const time = String.raw`\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000\]`;
  const tail = String.raw`"http://elsewhere/" "test/1"$`;
  assertMatch(lines[0], new RegExp(`^127.0.0.1 - - ${time} "GET /a.txt\\?q HTTP/1.1" 200 5 ${tail}`));
  assertMatch(lines[1], new RegExp(`"HEAD /a.txt HTTP/1.1" 200 0 ${tail}`));
  assertMatch(lines[2], new RegExp(`"GET /large HTTP/1.1" 200 1000000 ${tail}`));
  assertMatch(lines[3], new RegExp(`"GET /missing HTTP/1.1" 404 \\d+ ${tail}`));
});

Deno.test("serve --log json logs an object a line, and escapes what a request smuggles in", async () => {
  using dir = tempDir({ "a.txt": "hello" });
  await using server = await serve(dir.path, ["--log", "json", "--auth", "ann:pw"]);
  const authorization = `Basic ${btoa("ann:pw")}`;
  await (await fetch(`${server.url}/a.txt`, { headers: { authorization } })).text();
  const agent = `x" 200 1 "-" "\x80\x9b2J\\`;
  await rawRequest(
    server.port,
    `GET /%0d%0aforged HTTP/1.1\r\nHost: x\r\nUser-Agent: ${agent}\r\nConnection: close\r\n\r\n`,
  );
  await server.stop();
  const lines = accessLines(server.log());
  const [first, second] = lines.map((line) => JSON.parse(line));
  assertEquals(lines.length, 2);
  assertEquals(
    [first.user, first.method, first.target, first.status, first.bytes, first.remote],
    ["ann", "GET", "/a.txt", 200, 5, "127.0.0.1"],
  );
  assert(first.ms >= 0 && first.ms < 10_000);
  assert(Math.abs(Date.parse(first.time) - Date.now()) < 60_000);
  assertEquals([second.target, second.status, second.user], ["/%0d%0aforged", 404, null]);
  assert(!/[\u0080-\u009f]/.test(server.log()));
});

Deno.test("serve logs how much a client took that went away, and goes on", async () => {
  using dir = tempDir({ "a.txt": "fine" });
  const size = 200_000_000;
  Deno.writeFileSync(dir.at("big"), new Uint8Array(0));
  Deno.truncateSync(dir.at("big"), size);
  await using server = await serve(dir.path, ["--log", "json"]);
  for (let i = 0; i < 3; i++) {
    const connection = await Deno.connect({ port: server.port });
    await connection.write(new TextEncoder().encode("GET /big HTTP/1.1\r\nHost: x\r\n\r\n"));
    await connection.read(new Uint8Array(1000));
    connection.close();
  }
  assertEquals(await (await fetch(`${server.url}/a.txt`)).text(), "fine");
  assertEquals(await server.stop(), 0);
  const lines = accessLines(server.log()).map((line) => JSON.parse(line));
  const broken = lines.filter((line) => line.target === "/big");
  assertEquals(broken.length, 3, server.log());
  for (const { bytes } of broken) assert(bytes > 0 && bytes < size, String(bytes));
});

Deno.test("serve logs nothing with --log none and with -q, but the ready line stays without -q", async () => {
  using dir = tempDir({ "a.txt": "hello" });
  for (const [args, ready] of [[["--log", "none"], true], [["-q"], false]] as const) {
    await using server = await serve(dir.path, args);
    await (await fetch(`${server.url}/a.txt`)).text();
    await server.stop();
    assertEquals(server.log(), ready ? `ferry: serving ${dir.path} at ${server.url}/\n` : "");
  }
});
