import { MOST_MEMORY } from "./get_hot.ts";
import { able, contestantsOf, served } from "./trees.ts";
import { Skipped, type Work } from "./work.ts";

const CONNECTIONS = 5000;

/** Connections that were used once and stay open. */
export const idle5000: Work = {
  name: "idle-5000",
  about: "peak memory with 5,000 open connections, each after a GET of 1 KB",
  unit: "MB",
  writes: false,
  against: ["nginx", "caddy", "dufs", "miniserve"],
  goal: { most: MOST_MEMORY / 1e6 },
  prepare: async (bench, target, stack) => {
    // Each process needs one for each connection, and some beside.
    if (openFiles() < CONNECTIONS + 500) {
      throw new Skipped(`a process may have only ${openFiles()} files open`);
    }
    return await contestantsOf(
      able(bench, target, "serve").filter((peer) => peer.servesFiles),
      async (peer) => {
        const server = await served(peer, bench.files.dir, { scratch: bench.scratch() }, stack);
        const run = async () => {
          const connections: Deno.Conn[] = [];
          try {
            for (let i = 0; i < CONNECTIONS; i++) connections.push(await opened(server.url));
            // All are still there: the first one is answered again.
            await ask(connections[0], server.url);
            const peak = server.peakMemory();
            return { value: peak / 1e6, serverPeak: peak };
          } finally {
            for (const connection of connections) connection.close();
          }
        };
        return { run };
      },
    );
  },
};

async function opened(url: string): Promise<Deno.Conn> {
  const { hostname, port } = new URL(url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  await ask(connection, url);
  return connection;
}

const buffer = new Uint8Array(16 * 1024);

async function ask(connection: Deno.Conn, url: string): Promise<void> {
  const { host } = new URL(url);
  await connection.write(new TextEncoder().encode(`GET /small HTTP/1.1\r\nHost: ${host}\r\n\r\n`));
  for (let length = 0;;) {
    const count = await connection.read(buffer.subarray(length));
    if (count === null) throw new Error("the server closed a connection");
    length += count;
    const text = new TextDecoder("latin1").decode(buffer.subarray(0, length));
    if (!text.startsWith("HTTP/1.1 200")) throw new Error(`the server answered ${text.split("\r\n")[0]}`);
    const end = text.indexOf("\r\n\r\n");
    if (end !== -1 && length >= end + 4 + 1024) return;
  }
}

function openFiles(): number {
  const line = /^Max open files\s+(\d+)/m.exec(Deno.readTextFileSync("/proc/self/limits"));
  return Number(line?.[1] ?? 0);
}
