/** A proxy between a client and a server that cuts every connection once so many bytes have passed. */

export interface CuttingProxy extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, no slash at the end. */
  url: string;
  /** How often it has cut. */
  cuts(): number;
  /** Bytes that went through it, both ways. */
  passed(): number;
  /** Cuts whatever is connected now. */
  cut(): void;
}

/** Starts a proxy to `port` that cuts all connections when the bytes of both ways reach each of `offsets`. */
export function cuttingProxy(port: number, offsets: readonly number[]): CuttingProxy {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  const work = new Set<Promise<void>>();
  const points = [...offsets].sort((a, b) => a - b);
  let passed = 0;
  let cuts = 0;
  const cut = () => {
    cuts++;
    for (const connection of open) close(connection);
    open.clear();
  };
  const pass = async (from: Deno.Conn, to: Deno.Conn) => {
    const buffer = new Uint8Array(64 * 1024);
    try {
      for (;;) {
        const left = points.length === 0 ? buffer.length : Math.max(1, points[0] - passed);
        const count = await from.read(buffer.subarray(0, Math.min(left, buffer.length)));
        if (count === null) break;
        for (let sent = 0; sent < count;) sent += await to.write(buffer.subarray(sent, count));
        passed += count;
        if (points.length > 0 && passed >= points[0]) {
          points.shift();
          cut();
        }
      }
    } catch {
      // Cut, or one side has gone.
    }
    close(from);
    close(to);
    open.delete(from);
    open.delete(to);
  };
  const serve = async (client: Deno.Conn) => {
    open.add(client);
    try {
      const server = await Deno.connect({ hostname: "127.0.0.1", port });
      open.add(server);
      await Promise.all([pass(client, server), pass(server, client)]);
    } catch {
      close(client);
      open.delete(client);
    }
  };
  const accepting = (async () => {
    for await (const client of listener) {
      const one = serve(client).finally(() => work.delete(one));
      work.add(one);
    }
  })();
  return {
    url: `http://127.0.0.1:${(listener.addr as Deno.NetAddr).port}`,
    cuts: () => cuts,
    passed: () => passed,
    cut,
    [Symbol.asyncDispose]: async () => {
      close(listener);
      for (const connection of open) close(connection);
      await accepting;
      await Promise.all(work);
    },
  };
}

function close(open: Deno.Conn | Deno.Listener): void {
  try {
    open.close();
  } catch {
    // Closed before.
  }
}
