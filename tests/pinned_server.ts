/** A server with a certificate of its own making, and what stands between it and a client that means harm. */
import { type KeyPair, pinOf } from "../lib/client/key_pair.ts";
import { makeSelfSigned } from "../lib/server/tls/self_signed.ts";

/** A certificate for `names` and its pin as `--pin` takes it. */
export async function selfSigned(names: string[], options: { now?: number } = {}) {
  const pair = await makeSelfSigned(names, { days: 2, ...options });
  return { ...pair, pin: `sha256:${pinOf(pair.cert)}` };
}

/** Answers with the credentials and the body that came; counts its requests; `/close` ends the connection. */
export function echoServer(pair: KeyPair) {
  const seen: string[] = [];
  const { cert, key } = pair;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, cert, key, onListen() {} }, async (request) => {
    const line = `${request.method} ${new URL(request.url).pathname} ${request.headers.get("host")} ` +
      `${request.headers.get("authorization")} ${await request.text()}`;
    seen.push(line);
    if (request.url.endsWith("/away")) return Response.redirect("http://127.0.0.1:9/");
    return new Response(line, { headers: request.url.endsWith("/close") ? { connection: "close" } : {} });
  });
  return { port: server.addr.port, seen, shutdown: () => server.shutdown() };
}

/** Leads its first connections to `first`, all later ones to `later`: somebody who steps in after a look. */
export function switchingProxy(first: { port: number; connections: number }, later: number) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let count = 0;
  const joins: Promise<unknown>[] = [];
  const join = async (near: Deno.TcpConn) => {
    const far = await Deno.connect({
      hostname: "127.0.0.1",
      port: count++ < first.connections ? first.port : later,
    });
    await Promise.allSettled([near.readable.pipeTo(far.writable), far.readable.pipeTo(near.writable)]);
  };
  const serving = (async () => {
    for await (const near of listener) joins.push(join(near).catch(() => {}));
  })();
  return {
    port: listener.addr.port,
    count: () => count,
    async close() {
      listener.close();
      await serving.catch(() => {});
      await Promise.all(joins);
    },
  };
}
