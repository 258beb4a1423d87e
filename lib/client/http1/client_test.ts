import { assert, assertEquals, assertRejects } from "@std/assert";
import * as fc from "fast-check";
import { FerryError } from "../../core/errors.ts";
import { type BodySource, requestBody } from "../body_source.ts";
import type { Connection } from "../dial/connection.ts";
import { Dialer } from "../dial/dialer.ts";
import { FetchError } from "../fetch_error.ts";
import type { WireAnswer, WireBody } from "./answer.ts";
import { Http1Client, type Http1Options } from "./client.ts";
import { RawServer } from "./raw_server.ts";
import { prepareFields } from "./request.ts";

const NEVER = new AbortController().signal;
const PLAIN = prepareFields([["accept", "*/*"]]);

function clientOf(options?: Http1Options): Http1Client {
  return new Http1Client(new Dialer(), options);
}

function get(client: Http1Client, server: RawServer, path = "", signal = NEVER): Promise<WireAnswer> {
  return client.send({ url: new URL(path, server.url), method: "GET", fields: PLAIN }, signal);
}

function post(
  client: Http1Client,
  server: RawServer,
  source: BodySource,
  options: { method?: string; headers?: [string, string][] } = {},
): Promise<WireAnswer> {
  const { method = "POST", headers = [] } = options;
  const body = requestBody(source, () => {});
  return client.send({ url: server.url, method, fields: prepareFields(headers), body }, NEVER);
}

async function textOf(body: WireBody | null, size = 64 * 1024): Promise<string> {
  let text = "";
  const buffer = new Uint8Array(size);
  for (;;) {
    const count = await body?.read(buffer) ?? null;
    if (count === null) return text;
    text += new TextDecoder().decode(buffer.subarray(0, count));
  }
}

async function failure(
  promise: Promise<unknown>,
): Promise<[code: string, sent: boolean, transient: boolean]> {
  const { code, facts } = await assertRejects(() => promise, FetchError);
  return [code, facts.sent, facts.transient];
}

/**
 * Answers each request that is written with the next text, and gives their bytes in pieces of these sizes; after the last
 * one it ends, or says nothing more.
 */
function scripted(
  answers: readonly string[],
  pieces: readonly number[],
  { ends = false } = {},
): Connection {
  let there = "", heads = "", turn = 0, next = 0;
  let wake: (() => void) | undefined;
  return {
    write(bytes) {
      heads += new TextDecoder().decode(bytes);
      for (; heads.includes("\r\n\r\n"); heads = heads.slice(heads.indexOf("\r\n\r\n") + 4)) {
        there += answers[next++];
      }
      wake?.();
      return Promise.resolve(bytes.length);
    },
    async read(buffer) {
      if (there === "" && !(ends && next === answers.length)) {
        await new Promise<void>((resolve) => wake = resolve);
      }
      const count = Math.min(buffer.length, there.length, pieces[turn++ % pieces.length]);
      for (let at = 0; at < count; at++) buffer[at] = there.charCodeAt(at);
      there = there.slice(count);
      return count === 0 ? null : count;
    },
    close: () => wake?.(),
  };
}

Deno.test("Http1Client gives the same answers however their bytes are cut into reads", async () => {
  const answers = [
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 404 Gone\r\nTransfer-Encoding: chunked\r\n\r\n" +
    "3\r\nabc\r\n12\r\n0123456789abcdefgh\r\n0\r\nDigest: d\r\n\r\n",
    "HTTP/1.1 204 None\r\nA: b\r\n\r\n",
    `HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n${"x".repeat(300)}`,
  ];
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 });
  await fc.assert(
    fc.asyncProperty(sizes, fc.integer({ min: 1, max: 40 }), fc.boolean(), async (pieces, size, whole) => {
      const conn = scripted(answers, pieces);
      const dial = () =>
        Promise.resolve({ conn, form: "origin" as const, about: "connected", facts: { connected: 0 } });
      using client = new Http1Client({ dial }, { connections: 1 });
      const seen = await Promise.all(answers.map(async () => {
        const request = { url: new URL("http://h/"), method: "GET", fields: PLAIN };
        const { status, body } = await client.send(request, NEVER);
        const here = whole ? body?.whole() ?? null : null;
        const text = here === null ? await textOf(body, size) : new TextDecoder().decode(here);
        return [status, text, body?.trailers?.get("digest") ?? null];
      }));
      assertEquals(seen, [
        [200, "hello", null],
        [404, "abc0123456789abcdefgh", "d"],
        [204, "", null],
        [200, "x".repeat(300), null],
      ]);
    }),
  );
});

Deno.test("Http1Client takes no answer for whole that is cut at any byte", async () => {
  const answers = [
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n6\r\n world\r\n0\r\nA: b\r\n\r\n",
  ];
  for (const whole of answers) {
    for (let length = 0; length <= whole.length; length++) {
      const conn = scripted([whole.slice(0, length)], [7], { ends: true });
      const dial = () =>
        Promise.resolve({ conn, form: "origin" as const, about: "connected", facts: { connected: 0 } });
      using client = new Http1Client({ dial });
      const request = { url: new URL("http://h/"), method: "GET", fields: PLAIN };
      const text = client.send(request, NEVER).then(({ body }) => textOf(body, 4));
      if (length === whole.length) assertEquals(await text, "hello world");
      else assertEquals(await failure(text), ["partial_transfer", true, true], whole.slice(0, length));
    }
  }
});

Deno.test("Http1Client sends what it was given, and uses a connection again", async () => {
  const heads: string[] = [];
  await using server = new RawServer(async (connection) => {
    for (let head; (head = await connection.head()) !== null;) {
      heads.push(head);
      await connection.answer("ok");
    }
  });
  using client = clientOf();
  const fields = prepareFields([["B", "1"], ["a", "é"], ["Host", "other"]]);
  const url = new URL("/p%20q?r=s", server.url);
  assertEquals(await textOf((await client.send({ url, method: "GET", fields }, NEVER)).body), "ok");
  const second = await client.send({ url, method: "DELETE", fields: PLAIN }, NEVER);
  assertEquals([await textOf(second.body), second.answered, server.count], ["ok", 1, 1]);
  assertEquals(heads[0].split("\r\n"), ["GET /p%20q?r=s HTTP/1.1", "host: other", "B: 1", "a: é"]);
  assertEquals(heads[1].split("\r\n")[1], `host: ${server.url.host}`);
});

Deno.test("Http1Client keeps to its number of connections, and asks for the rest when one is free", async () => {
  let most = 0;
  let under = 0;
  await using server = new RawServer(async (connection) => {
    while (await connection.head() !== null) {
      most = Math.max(most, ++under);
      // The others have come by then, if they come at all.
      if (under === 2) await new Promise((resolve) => setTimeout(resolve));
      under--;
      await connection.answer("x".repeat(3));
    }
  });
  using client = clientOf({ connections: 2 });
  const texts = await Promise.all(
    Array.from({ length: 30 }, async () => textOf((await get(client, server)).body)),
  );
  assertEquals([server.count, most <= 2, texts], [2, true, Array(30).fill("xxx")]);
});

Deno.test("Http1Client keeps few connections of many origins for later, those that were needed last", async () => {
  const open = new Set<string>();
  const dialer: Pick<Dialer, "dial"> = {
    dial({ host }) {
      open.add(host);
      const conn = scripted(Array(3).fill("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"), [100]);
      const close = () => {
        open.delete(host);
        conn.close();
      };
      return Promise.resolve({
        conn: { ...conn, close },
        form: "origin",
        about: "",
        facts: { connected: 0 },
      });
    },
  };
  using client = new Http1Client(dialer);
  const ask = async (host: string) => {
    const url = new URL(`http://${host}/`);
    const answer = await client.send({ url, method: "GET", fields: PLAIN }, NEVER);
    assertEquals(await textOf(answer.body), "x");
    // A connection is free only when its own side has seen the end of the body.
    await new Promise((resolve) => setTimeout(resolve));
  };
  for (let count = 0; count < 260; count++) await ask(`h${count}`);
  await ask("h4");
  await ask("h260");
  assertEquals([open.size, open.has("h4"), open.has("h5"), open.has("h260")], [256, true, false, true]);
});

Deno.test("Http1Client sends again what a kept connection did not answer, if that does no harm", async () => {
  const server = () =>
    new RawServer(async (connection) => {
      await connection.head();
      await connection.answer(String(connection.index));
      // The next one gets no answer.
      await connection.head();
    });
  await using a = server();
  using client = clientOf({ connections: 1 });
  assertEquals(await textOf((await get(client, a)).body), "0");
  assertEquals(await textOf((await get(client, a)).body), "1");
  await using b = server();
  assertEquals(await textOf((await get(client, b)).body), "0");
  const body = { kind: "bytes", bytes: new Uint8Array(3) } as const;
  assertEquals(await failure(post(client, b, body)), ["partial_transfer", true, true]);
  assertEquals([a.count, b.count], [2, 1]);
});

Deno.test("Http1Client loses nothing when connections end, and gives up on a server that never answers", async () => {
  await using server = new RawServer(async (connection) => {
    for (let answered = 0; answered < 3; answered++) {
      const head = await connection.head();
      if (head === null) return;
      const last = answered === 2 && connection.index % 2 === 0;
      await connection.answer(head.split(" ")[1], ...(last ? ["Connection: close"] : []));
    }
  });
  using client = clientOf({ connections: 2 });
  const paths = Array.from({ length: 40 }, (_, index) => `/${index}`);
  const texts = await Promise.all(paths.map(async (path) => textOf((await get(client, server, path)).body)));
  assertEquals(texts, paths);
  await using never = new RawServer(async (connection) => void await connection.head());
  const all = await Promise.all([1, 2, 3].map(() => failure(get(client, never))));
  assertEquals(all, Array(3).fill(["partial_transfer", true, true]));
});

Deno.test("Http1Client asks before a long body, and sends it when told to, and not when refused", async () => {
  const large: BodySource = { kind: "bytes", bytes: new Uint8Array(2 << 20) };
  const seen: (string | number)[] = [];
  await using server = new RawServer(async (connection) => {
    const head = (await connection.head())!;
    const asked = /expect: 100-continue/.test(head);
    seen.push(asked ? "asked" : "unasked");
    if (connection.index === 0) await connection.send("HTTP/1.1 100 Continue\r\n\r\n");
    if (connection.index === 1) {
      return await connection.send("HTTP/1.1 413 Large\r\nContent-Length: 2\r\n\r\nno");
    }
    if (connection.index === 2) return await connection.send("HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n");
    seen.push((await connection.body(2 << 20)).length);
    await connection.answer("yes", "Connection: close");
  });
  using client = clientOf();
  assertEquals(await textOf((await post(client, server, large)).body), "yes");
  const refused = await post(client, server, large);
  assertEquals([refused.status, await textOf(refused.body)], [413, "no"]);
  assertEquals(
    await textOf((await post(client, server, large, { headers: [["expect", "100-continue"]] })).body),
    "yes",
  );
  assertEquals(await textOf((await post(client, server, large, { headers: [["Expect", ""]] })).body), "yes");
  assertEquals(seen, ["asked", 2 << 20, "asked", "asked", "unasked", 2 << 20, "unasked", 2 << 20]);
});

Deno.test("Http1Client takes an answer that comes before the body has gone, and stops sending", async () => {
  await using server = new RawServer(async (connection) => {
    await connection.head();
    await connection.body(10_000);
    await connection.send("HTTP/1.1 401 No\r\nContent-Length: 6\r\n\r\ndenied");
    // Nothing more is read; the client must not wait for that.
    await new Promise<void>((resolve) => done.push(resolve));
  });
  const done: (() => void)[] = [];
  using client = clientOf();
  let given = 0;
  const stream = () =>
    new ReadableStream({
      type: "bytes",
      pull(controller) {
        given += 64 * 1024;
        controller.enqueue(new Uint8Array(64 * 1024));
      },
    });
  const endless: BodySource = { kind: "stream", stream, name: "endless" };
  const answer = await post(client, server, endless, { headers: [["expect", ""]] });
  assertEquals([answer.status, await textOf(answer.body)], [401, "denied"]);
  assert(given < 64 << 20, `${given} bytes were sent`);
  done.forEach((resolve) => resolve());
});

Deno.test("Http1Client throws what the body of a request throws", async () => {
  await using server = new RawServer(async (connection) => {
    await connection.head();
    await connection.body(1e9);
  });
  const stream = () =>
    new ReadableStream<Uint8Array>({ type: "bytes", pull: () => Promise.reject(new Error("broken")) });
  using client = clientOf();
  const broken = post(client, server, { kind: "stream", stream, name: "the pipe" }, {
    headers: [["expect", ""]],
  });
  assertEquals((await assertRejects(() => broken, FerryError)).code, "read_failed");
});

Deno.test("Http1Client ends with the reason of the signal, wherever a request is", async () => {
  await using server = new RawServer(async (connection) => {
    const head = await connection.head();
    if (head?.includes("/body")) await connection.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx");
    await connection.head();
  });
  using client = clientOf({ connections: 1 });
  const reason = new FerryError("timeout", "enough");
  const stopped = AbortSignal.abort(reason);
  assertEquals(await assertRejects(() => get(client, server, "/", stopped)), reason);
  const controller = new AbortController();
  const body = (await get(client, server, "/body", controller.signal)).body!;
  const waiting = get(client, server, "/queued", controller.signal);
  const reading = textOf(body);
  controller.abort(reason);
  assertEquals(await assertRejects(() => waiting), reason);
  assertEquals(await assertRejects(() => reading), reason);
  const other = new AbortController();
  const headless = get(client, server, "/silent", other.signal);
  other.abort(reason);
  assertEquals(await assertRejects(() => headless), reason);
});

Deno.test("Http1Client tells broken answers from answers that break the rules", async () => {
  const ok = "HTTP/1.1 200 OK\r\n";
  const cases: [string, string, boolean][] = [
    ["", "partial_transfer", true],
    ["HTTP/1.1 200", "partial_transfer", true],
    [ok + "Content-Length: 5\r\n\r\nhell", "partial_transfer", true],
    [ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "partial_transfer", true],
    [ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello!", "protocol", false],
    [ok + `Transfer-Encoding: chunked\r\n\r\n0\r\na: ${"x".repeat(100_000)}`, "protocol", false],
    [ok + `a: ${"x".repeat(100_000)}\r\n\r\n`, "protocol", false],
    ["HTTP/1.1 100 Go\r\n\r\n".repeat(50) + ok + "\r\n", "protocol", false],
    ["HTTP/1.1 101 Switch\r\nUpgrade: x\r\n\r\n", "protocol", false],
    ["SSH-2.0-x\r\n", "protocol", false],
    ["\x15\x03\x01\0\x02\x02\x50", "protocol", false],
    [ok + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx", "protocol", false],
  ];
  for (const [text, code, transient] of cases) {
    await using server = new RawServer(async (connection) => {
      await connection.head();
      await connection.send(text);
    });
    using client = clientOf();
    const whole = get(client, server).then(({ body }) => textOf(body));
    assertEquals([text.slice(0, 60), ...await failure(whole)], [text.slice(0, 60), code, true, transient]);
  }
});

Deno.test("Http1Client reads to the end of a connection where nothing else ends a body, and believes nothing unasked", async () => {
  await using server = new RawServer(async (connection) => {
    await connection.head();
    if (connection.index === 0) await connection.send("HTTP/1.0 200 OK\r\n\r\nto the end");
    else {
      const unasked = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
      await connection.send(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok${unasked}`);
      await connection.head();
    }
  });
  using client = clientOf({ connections: 1 });
  const first = await get(client, server);
  assertEquals([first.version, await textOf(first.body)], ["1.0", "to the end"]);
  for (let count = 0; count < 3; count++) assertEquals(await textOf((await get(client, server)).body), "ok");
  assertEquals(server.count, 4);
});

Deno.test("Http1Client.send() says that nothing was sent when there is no connection", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  using client = clientOf();
  const url = new URL(`http://127.0.0.1:${port}/`);
  const requests = [1, 2, 3].map(() => failure(client.send({ url, method: "GET", fields: PLAIN }, NEVER)));
  assertEquals(await Promise.all(requests), Array(3).fill(["no_connection", false, true]));
});
