/** What `ferry request` says on the wire, and what it shows of that. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { RawServer } from "../lib/client/http1/raw_server.ts";
import { ferry, tempDir } from "./harness.ts";

Deno.test("request -v shows heads as they were on the wire, secrets redacted", async () => {
  await using server = new RawServer(async (connection) => {
    await connection.head();
    await connection.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
    await connection.send(
      "HTTP/1.0 200 Quite \u00c3\u00a9 fine\r\n" +
        "X-Second: 2\r\nX-First: 1\r\nSet-Cookie: a=geheim\r\nContent-Length: 2\r\n\r\nok",
    );
  });
  const url = new URL("/x?y=z", server.url).href;
  const run = await ferry(["request", "-v", "-u", "a:geheim", "-H", "X-Own: 1", url]);
  assertEquals([run.code, run.stdout], [0, "ok"], run.stderr);
  const lines = run.stderr.trim().split("\n");
  assertStringIncludes(lines[0], `* connected to 127.0.0.1`);
  assertEquals(lines.slice(1, 3), ["> GET /x?y=z HTTP/1.1", `> host: ${server.url.host}`]);
  assertStringIncludes(run.stderr, "> authorization: Basic [redacted]\n");
  assertStringIncludes(run.stderr, "> x-own: 1\n");
  assertStringIncludes(run.stderr, "< HTTP/1.1 103 Early Hints\n< Link: </a>\n<\n");
  assertEquals(lines.filter((line) => line.startsWith("<")).slice(-6), [
    "< HTTP/1.0 200 Quite é fine",
    "< X-Second: 2",
    "< X-First: 1",
    "< Set-Cookie: [redacted]",
    "< Content-Length: 2",
    "<",
  ]);
  assertEquals(run.stderr.includes("geheim"), false);
});

Deno.test("request -H with a name alone leaves that header out", async () => {
  const heads: string[] = [];
  await using server = new RawServer(async (connection) => {
    heads.push((await connection.head())!);
    await connection.answer("ok");
  });
  const without = ["accept", "USER-AGENT", "Want-Repr-Digest", "authorization", "accept-encoding"];
  const flags = without.flatMap((name) => ["-H", `${name}:`]);
  const run = await ferry(["request", ...flags, "-H", "X-Own: 1", "-H", "X-Other:", server.url.href], {
    env: { FERRY_TOKEN: "geheim" },
  });
  assertEquals([run.code, run.stdout], [0, "ok"], run.stderr);
  assertEquals(heads, [`GET / HTTP/1.1\r\nhost: ${server.url.host}\r\nx-own: 1`]);
});

Deno.test("request uses a connection for URL after URL, and for what a redirect leads to", async () => {
  await using server = new RawServer(async (connection) => {
    for (let head; (head = await connection.head()) !== null;) {
      if (head.startsWith("GET /from ")) {
        await connection.send("HTTP/1.1 302 There\r\nLocation: /to\r\nContent-Length: 4\r\n\r\ngone");
      } else if (head.startsWith("GET /404 ")) {
        await connection.send("HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n");
      } else await connection.answer(head.split(" ")[1] + "\n");
    }
  });
  const urls = ["/a", "/from", "/404", "/b"].map((path) => new URL(path, server.url).href);
  const run = await ferry(["request", ...urls]);
  assertEquals([run.code, run.stdout, server.count], [22, "/a\n/to\n/b\n", 1], run.stderr);
});

Deno.test("request -T stops sending a large file that the server does not want", async () => {
  using dir = tempDir({ "f": new Uint8Array(3 << 20) });
  const asked: boolean[] = [];
  let bytes = 0;
  await using server = new RawServer(async (connection) => {
    const head = (await connection.head())!;
    asked.push(/expect: 100-continue/.test(head));
    if (head.startsWith("PUT /early ")) bytes += (await connection.body(100_000)).length;
    await connection.send("HTTP/1.1 413 Too Large\r\nContent-Length: 8\r\nConnection: close\r\n\r\ntoo much");
    bytes += (await connection.body(1)).length;
  });
  const put = (path: string, ...more: string[]) =>
    ferry(["request", "PUT", "-T", dir.at("f"), ...more, new URL(path, server.url).href]);
  const refused = await put("/x");
  assertEquals([refused.code, asked, bytes], [22, [true], 0], refused.stderr);
  assertStringIncludes(refused.stderr, "too much");
  assertStringIncludes(refused.stderr, "413 Too Large");
  // Without being asked it has some of it by then, and the rest is not sent.
  const early = await put("/early", "-H", "Expect:");
  assertEquals([early.code, asked[1], bytes >= 100_000], [22, false, true], early.stderr);
  assertStringIncludes(early.stderr, "413 Too Large");
});

Deno.test("request refuses headers that would contradict what is sent", async () => {
  for (
    const header of ["Transfer-Encoding: gzip", "Content-Length: 5", "Content-Length: x", "Expect: a miracle"]
  ) {
    const run = await ferry(["request", "-d", "four", "-H", header, "http://127.0.0.1:9/"]);
    assertEquals([header, run.code, run.stdout], [header, 2, ""], run.stderr);
    assertStringIncludes(run.stderr, `--header ${header.split(":")[0]}`);
  }
});
