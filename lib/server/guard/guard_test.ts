/** A guard over a real server of this process: what it ends, how, and what it lets be. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { connectionKey } from "./client.ts";
import { Gate } from "./gate.ts";
import { Guard, type GuardRules } from "./guard.ts";
import { type Connection, ServerSockets } from "./sockets.ts";

const NONE: GuardRules = {
  deadlines: { header: 0, idle: 0, body: 0, leastRate: 0 },
  connections: 0,
  perClient: 0,
  exempt: () => false,
};

const sockets = ServerSockets.open();

/** A server that a guard holds to `rules`. `/wait` is answered when it is let go; `/large` is too large for buffers. */
function guarded(rules: Partial<GuardRules>) {
  const gate = new Gate(() => {});
  const wait = Promise.withResolvers<void>();
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request, info) => {
    try {
      gate.enter(info);
    } catch (error) {
      return new Response((error as Error).name, { status: 503, headers: { connection: "close" } });
    }
    if (request.url.endsWith("/large")) return new Response(new Uint8Array(20_000_000));
    if (!request.url.endsWith("/wait")) return new Response("ok");
    const answer = wait.promise.then(() => new Response("at last"));
    gate.during(info, answer);
    return answer;
  });
  const { port } = server.addr;
  const guard = new Guard(sockets!, { ...NONE, ...rules }, {
    tick: 20,
    ports: new Map([[port, { plain: true }]]),
    busy: () => Promise.resolve(new Set(gate.busy())),
    admit: (admission) => gate.admit(admission),
  });
  return {
    port,
    guard,
    letGo: () => wait.resolve(),
    async [Symbol.asyncDispose]() {
      guard.stop();
      wait.resolve();
      await server.shutdown();
    },
  };
}

/** A connection that has sent `text`. */
async function connect(port: number, text: string): Promise<Deno.TcpConn> {
  const connection = await Deno.connect({ port, hostname: "127.0.0.1" });
  await connection.write(new TextEncoder().encode(text));
  return connection;
}

/** All that comes until the end. */
async function rest(connection: Deno.Conn): Promise<string> {
  return await new Response(connection.readable).text();
}

const GET = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
const deadlines = NONE.deadlines;
const ignore = sockets === null;

Deno.test({
  name: "Guard ends a request whose head does not come with 408, first on its connection or later",
  ignore,
  async fn() {
    await using server = guarded({ deadlines: { ...deadlines, header: 300 } });
    const first = await connect(server.port, "GET / HTTP/1.1\r\nX-Slow: ");
    const later = await connect(server.port, GET("/") + "GET ");
    const silent = await connect(server.port, "");
    const drip = setInterval(() => {
      for (const each of [first, later]) each.write(new TextEncoder().encode("x")).catch(() => {});
    }, 50);
    const [a, b, c] = await Promise.all([first, later, silent].map(rest));
    clearInterval(drip);
    assertMatch(a, /^HTTP\/1.1 408 Request Timeout\r\n[^]*connection: close\r\n[^]*"code":"timeout"/);
    assertMatch(b, /^HTTP\/1.1 200 [^]*\r\n\r\nokHTTP\/1.1 408 /);
    assertEquals(c, "");
  },
});

Deno.test({
  name: "Guard ends connections that idle, and not those that wait for an answer",
  ignore,
  async fn() {
    await using server = guarded({ deadlines: { ...deadlines, idle: 300, header: 300 } });
    const waiting = await connect(server.port, GET("/wait"));
    const idle = await connect(server.port, GET("/"));
    assertMatch(await rest(idle), /\r\n\r\nok$/);
    // As long again.
    assertMatch(await rest(await connect(server.port, GET("/"))), /\r\n\r\nok$/);
    server.letGo();
    assertMatch(await rest(waiting), /\r\n\r\nat last$/);
  },
});

Deno.test({
  name: "Guard goes on when somebody leaves before the answer",
  ignore,
  async fn() {
    await using server = guarded({ deadlines: { ...deadlines, idle: 300, header: 300 } });
    for (let i = 0; i < 5; i++) (await connect(server.port, GET("/wait"))).close();
    const waiting = await connect(server.port, GET("/wait"));
    assertMatch(await rest(await connect(server.port, GET("/"))), /\r\n\r\nok$/);
    assertEquals(await rest(await connect(server.port, "")), "");
    server.letGo();
    assertMatch(await rest(waiting), /\r\n\r\nat last$/);
  },
});

Deno.test({
  name: "Guard resets the connection of somebody who does not read the answer",
  ignore,
  async fn() {
    await using server = guarded({ deadlines: { ...deadlines, body: 400, leastRate: 1000 } });
    const reader = await connect(server.port, GET("/large"));
    while (server.guard.connections === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    while (server.guard.connections > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    const end = await rest(reader).catch((error) => error);
    assert(end instanceof Deno.errors.ConnectionReset, String(end).slice(0, 100));
  },
});

Deno.test({
  name: "Guard.finish() ends a connection when its answer has been written, not before",
  ignore,
  async fn() {
    await using server = guarded({});
    const client = await connect(server.port, GET("/wait"));
    while (server.guard.connections === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    const { hostname, port } = client.localAddr as Deno.NetAddr;
    server.guard.finish(connectionKey(hostname, port));
    // It looks a few times.
    await new Promise((resolve) => setTimeout(resolve, 70));
    server.letGo();
    assertMatch(await rest(client), /^HTTP\/1.1 200 [^]*\r\n\r\nat last$/);
  },
});

Deno.test({
  name: "Guard and Gate turn away those beyond the limits, and let them in when there is room",
  ignore,
  async fn() {
    for (const [rules, status] of [[{ connections: 3 }, 503], [{ perClient: 3 }, 429]] as const) {
      await using server = guarded(rules);
      const kept: Deno.Conn[] = [];
      for (let i = 0; i < 3; i++) kept.push(await connect(server.port, GET("/")));
      while (server.guard.connections < 3) await new Promise((resolve) => setTimeout(resolve, 20));
      const refused = await connect(server.port, GET("/"));
      const silent = await connect(server.port, "");
      assertMatch(await rest(refused), /^HTTP\/1.1 503 [^]*HttpError$/);
      assertMatch(await rest(silent), new RegExp(`^HTTP/1.1 ${status} [^]*retry-after: \\d`));
      // Those that were there go on.
      const answer = new Uint8Array(1000);
      await kept[0].read(answer);
      await kept[0].write(new TextEncoder().encode(GET("/")));
      assertMatch(
        new TextDecoder().decode(answer.subarray(0, (await kept[0].read(answer))!)),
        /^HTTP\/1.1 200 /,
      );
      for (const each of kept) each.close();
      while (server.guard.connections > 0) await new Promise((resolve) => setTimeout(resolve, 20));
      const later = await connect(server.port, GET("/").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
      assertMatch(await rest(later), /^HTTP\/1.1 200 /);
    }
  },
});

Deno.test({
  name: "ServerSockets.end() lets a connection be that has moved on since it was looked at",
  ignore,
  async fn() {
    await using server = guarded({});
    const { port, guard } = server;
    // What it looks at would not have moved on since then.
    guard.stop();
    using client = await connect(port, GET("/"));
    const buffer = new Uint8Array(1000);
    await client.read(buffer);
    const look = (at = sockets!): Connection => at.look(new Set([port]), 0, () => {})[0];
    const connection = look();
    const shut = { kind: "shut", words: null } as const;
    await client.write(new TextEncoder().encode("G"));
    // A kernel that is busy hands it over a moment later.
    const others = ServerSockets.open()!;
    while (look(others).received === connection.received) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assertEquals(sockets!.end(connection, shut, { quiet: true }), false);
    await client.write(new TextEncoder().encode(GET("/").slice(1)));
    await client.read(buffer);
    assertEquals(sockets!.end(connection, shut, { quiet: false }), false);
    look();
    assertEquals(sockets!.end(connection, shut, { quiet: true }), true);
    assertEquals(await client.read(buffer), null);
    assertEquals(sockets!.end(connection, shut, { quiet: false }), false);
  },
});
