/**
 * A proxy as a long way to a server is: what comes back is 50 ms under way, and each connection has 20 MB/s. Run as a
 * program of its own, with the port to connect to; says on stdout where it listens.
 */
const DELAY_MS = 50;
const BYTES_PER_MS = 20_000;
const PIECE = 64 * 1024;
/** What is taken from the server before its time, so that the rate is kept when a timer is late. */
const AHEAD_MS = 50;

interface Piece {
  bytes: Uint8Array;
  due: number;
}

/** Brings bytes from `from` to `to`, late and no faster than the rate. */
async function passSlowly(from: Deno.Conn, to: Deno.Conn): Promise<void> {
  const queue: Piece[] = [];
  let ended = false, news = Promise.withResolvers<void>();
  const writing = (async () => {
    while (!ended || queue.length > 0) {
      const piece = queue.shift();
      if (piece === undefined) {
        await news.promise;
        continue;
      }
      await until(piece.due);
      await writeAll(to, piece.bytes);
    }
  })();
  // A client that has gone ends the reading as well.
  writing.catch(() => close(from));
  try {
    for (let sent = performance.now();;) {
      const bytes = new Uint8Array(PIECE);
      const count = await from.read(bytes);
      if (count === null) break;
      sent = Math.max(sent, performance.now()) + count / BYTES_PER_MS;
      queue.push({ bytes: bytes.subarray(0, count), due: sent + DELAY_MS });
      news.resolve();
      news = Promise.withResolvers();
      await until(sent - AHEAD_MS);
    }
  } finally {
    ended = true;
    news.resolve();
    await writing;
  }
}

async function pass(from: Deno.Conn, to: Deno.Conn): Promise<void> {
  const bytes = new Uint8Array(PIECE);
  for (;;) {
    const count = await from.read(bytes);
    if (count === null) return;
    await writeAll(to, bytes.subarray(0, count));
  }
}

async function writeAll(to: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await to.write(bytes.subarray(sent));
}

function until(time: number): Promise<void> | void {
  const ms = time - performance.now();
  if (ms > 0) return new Promise((resolve) => setTimeout(resolve, ms));
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It is.
  }
}

async function serve(client: Deno.TcpConn, port: number): Promise<void> {
  try {
    const server = await Deno.connect({ hostname: "127.0.0.1", port });
    // A way has no opinion of its own on when a short packet goes out.
    client.setNoDelay();
    server.setNoDelay();
    try {
      await Promise.race([pass(client, server), passSlowly(server, client)]);
    } finally {
      close(server);
    }
  } catch {
    // One of them has gone.
  } finally {
    close(client);
  }
}

if (import.meta.main) {
  const port = Number(Deno.args[0]);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  console.log(`http://127.0.0.1:${listener.addr.port}/`);
  for await (const client of listener) serve(client, port);
}
