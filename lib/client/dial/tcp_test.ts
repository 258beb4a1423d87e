import { assertEquals, assertRejects } from "@std/assert";
import { connectAny, connectName } from "./tcp.ts";

const { signal } = new AbortController();

Deno.test("connectAny() takes the first address that answers, and throws the last failure", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const conn = await connectAny(["127.0.0.2", "127.0.0.3", "127.0.0.1"], port, signal);
  assertEquals([conn.remoteAddr.hostname, conn.remoteAddr.port], ["127.0.0.1", port]);
  conn.close();
  (await listener.accept()).close();
  await assertRejects(
    () => connectAny(["127.0.0.2", "127.0.0.3"], port, signal),
    Deno.errors.ConnectionRefused,
  );
  const named = await connectName("localhost", port, signal);
  named.close();
  listener.close();
  await assertRejects(() => connectName("localhost", port, signal), Deno.errors.ConnectionRefused);
});
