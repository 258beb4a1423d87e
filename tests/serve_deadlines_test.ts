/** Deadlines of `ferry serve`: what takes too long is ended, what only takes its time is not. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { ferry, serve, type Server, tempDir, untilEnd } from "./harness.ts";

const encoder = new TextEncoder();

/** A connection that has sent `text`. */
async function connect(server: Server, text: string): Promise<Deno.TcpConn> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  await connection.write(encoder.encode(text));
  return connection;
}

/** Writes a byte every 50 ms until the other side takes no more. */
async function drip(connection: Deno.Conn): Promise<void> {
  for (;;) {
    try {
      await connection.write(encoder.encode("x"));
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A request that waits for a change, up to a minute, and has begun to. */
async function longPoll(server: Server): Promise<{ answer: Promise<Response> }> {
  const url = `${server.url}/.ferry/v1/head`;
  for (const end = Date.now() + 20_000; Date.now() < end;) {
    const response = await fetch(url);
    await response.body?.cancel();
    const etag = response.headers.get("etag");
    if (etag !== null) return { answer: fetch(`${url}?wait=60`, { headers: { "if-none-match": etag } }) };
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("there is no head");
}

const GET = "GET /file HTTP/1.1\r\nHost: x\r\n\r\n";

Deno.test("serve --header-timeout answers 408 to heads that come too slowly, and to nobody else", async () => {
  using dir = tempDir({ file: "content" });
  await using server = await serve(dir.path, ["--header-timeout", "500ms"]);
  const slow = await Promise.all(
    Array.from({ length: 50 }, () => connect(server, "GET /file HTTP/1.1\r\nX: ")),
  );
  const second = await connect(server, GET + "GET /file HTTP/1.1\r\nX: ");
  const silent = await connect(server, "");
  const kept = await connect(server, GET);
  const dripping = [...slow, second].map(drip);
  for (let i = 0; i < 20; i++) assertEquals(await (await fetch(`${server.url}/file`)).text(), "content");
  for (const answer of await Promise.all(slow.map(untilEnd))) {
    assertMatch(answer, /^HTTP\/1.1 408 Request Timeout\r\n/);
    assertMatch(answer, /\r\nconnection: close\r\n/i);
    assertMatch(answer, /\r\n\r\n\{.*"status":408,.*"code":"timeout"\}\n$/);
  }
  assertMatch(await untilEnd(second), /^HTTP\/1.1 200 [^]*contentHTTP\/1.1 408 /);
  assertEquals(await untilEnd(silent), "");
  await Promise.all(dripping);
  // This one asked nothing and was to wait for 75 seconds.
  await kept.write(encoder.encode(GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")));
  assertMatch(await untilEnd(kept), /^HTTP\/1.1 200 [^]*contentHTTP\/1.1 200 [^]*content$/);
});

Deno.test("serve --idle-timeout ends connections between requests, and not those at work", async () => {
  using dir = tempDir({ file: "content" });
  await using server = await serve(dir.path, [
    ...["--idle-timeout", "300ms", "--header-timeout", "300ms", "--writable"],
  ]);
  const idle = await connect(server, GET);
  // A long poll, and an upload that takes its time.
  const poll = await longPoll(server);
  const upload = await connect(server, "PUT /new HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n");
  for (let i = 0; i < 10; i++) {
    await upload.write(encoder.encode(String(i)));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assertMatch(await untilEnd(idle), /^HTTP\/1.1 200 [^]*content$/);
  assertMatch(await untilEnd(upload), /^HTTP\/1.1 201 /);
  assertEquals(Deno.readTextFileSync(dir.at("new")), "0123456789");
  assertEquals((await poll.answer).status, 200);
});

Deno.test("serve --body-timeout and --min-rate answer 408 to uploads that stall or drip", async () => {
  using dir = tempDir({ file: "old" });
  await using server = await serve(dir.path, ["--body-timeout", "1s", "--min-rate", "1K", "--writable"]);
  const head = "PUT /file HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n";
  const stalled = await Promise.all(Array.from({ length: 20 }, () => connect(server, head)));
  const dripping = await connect(server, head);
  const drips = drip(dripping);
  for (const answer of await Promise.all(stalled.map(untilEnd))) {
    assertMatch(answer, /^HTTP\/1.1 408 [^]*not a byte came for 1\.00 s/);
  }
  assertMatch(await untilEnd(dripping), /^HTTP\/1.1 408 [^]*only \d+ bytes came in/);
  await drips;
  assert(!server.log().includes("unexpected"), server.log());
  assertEquals(Deno.readTextFileSync(dir.at("file")), "old");
});

Deno.test("serve --body-timeout resets downloads that nobody reads, and not slow ones", async () => {
  using dir = tempDir({ large: new Uint8Array(20_000_000) });
  await using server = await serve(dir.path, ["--body-timeout", "1s", "--min-rate", "1K"]);
  const get = "GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  const unread = await connect(server, get);
  const slow = await connect(server, get);
  const buffer = new Uint8Array(1_000_000);
  let received = 0;
  for (;;) {
    const count = await slow.read(buffer);
    if (count === null) break;
    received += count;
    await new Promise((resolve) => setTimeout(resolve, 110));
  }
  slow.close();
  assert(received > 20_000_000, `${received}`);
  const end = await untilEnd(unread).catch((error) => error);
  assert(end instanceof Deno.errors.ConnectionReset, String(end).slice(0, 100));
});

Deno.test("serve refuses limits that are none", async () => {
  using dir = tempDir();
  for (
    const [flag, value, why] of [
      ["--header-timeout", "soon", "must be a duration such as 500ms, 30s, 5m or 2h"],
      ["--max-connections", "-1", "must be a whole number from 0 to 1000000"],
      ["--limit-rate", "fast", "must be a size such as 4096, 64K, 10M or 2GiB"],
      ["--trusted-proxy", "proxy.example", "must be an address, a network such as 10.0.0.0/8, or unix"],
    ]
  ) {
    const { code, stderr } = await ferry(["serve", dir.path, "--port", "0", flag, value]);
    assertEquals([code, stderr], [2, `ferry: ${flag} ${value}: ${why}\n`]);
  }
});
