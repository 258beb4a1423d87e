import { assert, assertEquals, assertRejects } from "@std/assert";
import { attempt } from "./attempt.ts";
import { throughLoopback } from "./loopback.ts";

const options = { late: () => new Error("late"), ms: 10_000 };

/** Both ends of a connection. */
async function pair(): Promise<[Deno.TcpConn, Deno.TcpConn]> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const ends = await Promise.all([Deno.connect({ port: listener.addr.port }), listener.accept()]);
  listener.close();
  return ends;
}

function connectHere() {
  return async (port: number) => {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    return { conn, localPort: conn.localAddr.port };
  };
}

Deno.test("throughLoopback() gives all that the far side said, though it no longer reads", async () => {
  const [far, server] = await pair();
  const conn = await attempt(options, (own) => throughLoopback(own(far), own, connectHere()));
  const answer = new Uint8Array(1 << 20).fill(7);
  // It answers to the beginning of a long request and reads no more of it.
  const serving = (async () => {
    await server.read(new Uint8Array(10));
    for (let sent = 0; sent < answer.length;) sent += await server.write(answer.subarray(sent));
    server.closeWrite();
  })();
  const sending = (async () => {
    const piece = new Uint8Array(1 << 16);
    for (let i = 0; i < 64; i++) await conn.write(piece);
  })().catch(() => {});
  let received = 0;
  const buffer = new Uint8Array(1 << 16);
  for (let count: number | null; (count = await conn.read(buffer)) !== null;) received += count;
  assertEquals(received, answer.length);
  await serving;
  conn.close();
  server.close();
  await sending;
});

Deno.test("throughLoopback() ends the far side when this one closes", async () => {
  const [far, server] = await pair();
  const conn = await attempt(options, (own) => throughLoopback(own(far), own, connectHere()));
  await conn.write(new Uint8Array(3));
  const buffer = new Uint8Array(10);
  assertEquals(await server.read(buffer), 3);
  conn.close();
  assertEquals(await server.read(buffer), null);
  server.close();
});

Deno.test("throughLoopback() joins nobody else, and leaves nothing open then", async () => {
  const [far, server] = await pair();
  let taken: Deno.Conn | undefined;
  const stolen = attempt(options, (own) =>
    throughLoopback(own(far), own, async (port) => {
      // Somebody was faster.
      taken = await Deno.connect({ hostname: "127.0.0.1", port });
      const conn = await Deno.connect({ hostname: "127.0.0.1", port });
      return { conn, localPort: conn.localAddr.port };
    }));
  await assertRejects(() => stolen, Error, "another program");
  assert(taken !== undefined);
  assertEquals(await taken.read(new Uint8Array(1)).catch(() => null), null);
  taken.close();
  assertEquals(await server.read(new Uint8Array(1)), null);
  server.close();
});
