/** `Expect: 100-continue` (RFC 9110 section 10.1.1): a large body is sent when the server wants it. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ferry, tempDir } from "./harness.ts";

const MIB = 1024 * 1024;

/** One request as its server saw it: `body` are the bytes that came. */
interface Seen {
  head: string;
  body: number;
}

/** What the server does when a head has come: says something, and perhaps takes the body. */
type Behaviour = (
  visit: { head: string; index: number; say(text: string): Promise<void>; take(): Promise<void> },
) => Promise<void>;

/** A server that answers heads, whatever becomes of their bodies; a connection has one request. */
function headServer(behaviour: Behaviour) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const seen: Seen[] = [];
  const work: Promise<void>[] = [];
  const serve = async (connection: Deno.Conn) => {
    const buffer = new Uint8Array(64 * 1024);
    const visit: Seen = { head: "", body: 0 };
    const decoder = new TextDecoder("latin1");
    let chunked = "";
    while (!visit.head.includes("\r\n\r\n")) {
      const count = await connection.read(buffer);
      if (count === null) return;
      visit.head += decoder.decode(buffer.subarray(0, count));
    }
    const end = visit.head.indexOf("\r\n\r\n") + 4;
    chunked = visit.head.slice(end);
    visit.body = chunked.length;
    visit.head = visit.head.slice(0, end);
    const index = seen.push(visit) - 1;
    const length = Number(/^content-length: (\d+)/im.exec(visit.head)?.[1] ?? Infinity);
    const more = async () => {
      const count = await connection.read(buffer).catch(() => null);
      if (count === null) return false;
      visit.body += count;
      chunked = (chunked + decoder.decode(buffer.subarray(0, count))).slice(-5);
      return true;
    };
    await behaviour({
      head: visit.head,
      index,
      say: async (text) => void await connection.write(new TextEncoder().encode(text)),
      take: async () => {
        while (visit.body < length && chunked !== "0\r\n\r\n" && await more());
      },
    });
    connection.closeWrite().catch(() => {});
    while (await more());
  };
  const accepting = (async () => {
    for await (const connection of listener) {
      work.push(serve(connection).catch(() => {}).finally(() => connection.close()));
    }
  })();
  return {
    url: `http://127.0.0.1:${(listener.addr as Deno.NetAddr).port}/x`,
    seen,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      await Promise.all(work);
    },
  };
}

const answer = (status: string, body = "") =>
  `HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;
const expects = (head: string) => /^expect: 100-continue\r$/im.test(head);

Deno.test("request sends a large body when the server says 100, and a small one without asking", async () => {
  using dir = tempDir({ "large": new Uint8Array(3 * MIB), "small": "small" });
  await using server = headServer(async ({ head, say, take }) => {
    if (expects(head)) await say("HTTP/1.1 100 Continue\r\n\r\n");
    await take();
    await say(answer("201 Created"));
  });
  const large = await ferry(["request", "PUT", "-T", dir.at("large"), server.url]);
  assertEquals(large.code, 0, large.stderr);
  const pipe = await ferry(["request", "-T", "-", server.url], { stdin: new Uint8Array(2 * MIB) });
  assertEquals(pipe.code, 0, pipe.stderr);
  const small = await ferry(["request", "PUT", "-T", dir.at("small"), server.url]);
  assertEquals(small.code, 0, small.stderr);
  assertEquals(server.seen.map(({ head }) => expects(head)), [true, true, false]);
  assertEquals([server.seen[0].body, server.seen[2].body], [3 * MIB, 5]);
  assert(server.seen[1].body > 2 * MIB);
});

Deno.test("request sends nothing of a large body that the server refuses at once", async () => {
  using dir = tempDir({ "large": new Uint8Array(3 * MIB) });
  const cases: [string, number][] = [["413 Too Large", 22], ["401 No", 67], ["403 No", 67], ["507 Full", 22]];
  for (const [status, expected] of cases) {
    await using server = headServer(({ say }) => say(answer(status, "no room\n")));
    for (
      const [args, stdin] of [[["PUT", "-T", dir.at("large")]], [
        ["-T", "-"],
        new Uint8Array(2 * MIB),
      ]] as const
    ) {
      const { code, stderr } = await ferry(["request", ...args, "--retry", "0", server.url], { stdin });
      assertEquals([status, code], [status, expected], stderr);
      assertStringIncludes(stderr, "no room");
    }
    assertEquals(server.seen.map(({ head, body }) => [expects(head), body]), [[true, 0], [true, 0]]);
  }
});

Deno.test("request asks no more after a 417, and sends a body to a server that does not answer the question", async () => {
  using dir = tempDir({ "large": new Uint8Array(3 * MIB) });
  await using odd = headServer(async ({ head, say, take }) => {
    if (expects(head)) return await say(answer("417 What"));
    await take();
    await say(answer("201 Created"));
  });
  const asked = await ferry(["request", "PUT", "-T", dir.at("large"), odd.url]);
  assertEquals(asked.code, 0, asked.stderr);
  assertEquals(odd.seen.map(({ head, body }) => [expects(head), body]), [[true, 0], [false, 3 * MIB]]);

  await using quiet = headServer(async ({ say, take }) => {
    await take();
    await say(answer("201 Created"));
  });
  const sent = await ferry(["request", "-T", "-", quiet.url], { stdin: new Uint8Array(2 * MIB) });
  assertEquals(sent.code, 0, sent.stderr);
  assert(quiet.seen.length === 1 && quiet.seen[0].body > 2 * MIB);
});

Deno.test("request sends a pipe again, or elsewhere, of which nothing was read yet", async () => {
  await using server = headServer(async ({ head, index, say, take }) => {
    if (index === 0) return await say(answer("503 Busy").replace("\r\n", "\r\nRetry-After: 0\r\n"));
    if (index === 1) return await say(answer("307 Go").replace("\r\n", "\r\nLocation: /y\r\n"));
    await say("HTTP/1.1 100 Continue\r\n\r\n");
    await take();
    await say(head.startsWith("PUT /y") ? answer("201 Created") : answer("503 Busy"));
  });
  const run = await ferry(["request", "-T", "-", server.url], { stdin: new Uint8Array(MIB) });
  assertEquals([run.code, server.seen.length], [0, 3], run.stderr);
  assertEquals(server.seen.map(({ body }) => body > MIB), [false, false, true]);
  // What has been read cannot be sent once more.
  const read = await ferry(["request", "-T", "-", server.url], { stdin: "content" });
  assertEquals([read.code, server.seen.length], [22, 4], read.stderr);
});

Deno.test("request ends an upload at a server that refuses it in the middle", async () => {
  using dir = tempDir({ "large": "" });
  Deno.truncateSync(dir.at("large"), 200 * MIB);
  await using server = headServer(async ({ say }) => {
    await say("HTTP/1.1 100 Continue\r\n\r\n");
    await say(answer("413 Too Large", "no more\n"));
  });
  const { code, stderr } = await ferry(["request", "PUT", "-T", dir.at("large"), "--retry", "0", server.url]);
  assertEquals(code, 22, stderr);
  assertStringIncludes(stderr, "no more");
  assert(server.seen[0].body < 200 * MIB, `${server.seen[0].body} bytes`);
});
