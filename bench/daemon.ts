/** Servers: started on a free port of 127.0.0.1, ready when they answer, stopped by pid. */
import { watchMemory } from "./memory.ts";
import { type CommandLine, end, showCommand, spawn } from "./process.ts";

/** A server under way. */
export interface Daemon {
  pid: number;
  url: string;
  /** Peak memory so far, bytes. */
  peakMemory(): number;
  stop(): Promise<void>;
}

const START_LIMIT_MS = 20_000;

/** Starts a server that is given its port, and waits until it accepts connections there. */
export async function startDaemon(command: CommandLine, url: string): Promise<Daemon> {
  const child = spawn(command);
  const { stderr } = drain(child);
  const port = Number(new URL(url.replace(/^rsync:/, "http:")).port);
  await whenReady(child, stderr, command, async () => {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port }).catch(() => null);
    connection?.close();
    return connection ? url : null;
  });
  return daemon(child, url);
}

/** Starts a server that says on stdout where it listens: `readUrl` gets all of stdout so far. */
export async function startTalkingDaemon(
  command: CommandLine,
  readUrl: (stdout: string) => string | null,
): Promise<Daemon> {
  const child = spawn(command);
  const { stdout, stderr } = drain(child);
  const url = await whenReady(child, stderr, command, () => Promise.resolve(readUrl(stdout())));
  return daemon(child, url);
}

/** A port of 127.0.0.1 that nobody listens on. */
export function freePort(): number {
  for (let tries = 0;; tries++) {
    // Below those that the system gives away by itself: nobody gets it before the program that it is for.
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse) || tries === 100) throw error;
    }
  }
}

function daemon(child: Deno.ChildProcess, url: string): Daemon {
  const memory = watchMemory(child.pid);
  return {
    pid: child.pid,
    url,
    peakMemory: () => memory.peak(),
    stop: async () => {
      memory.stop();
      await end(child);
    },
  };
}

/** Keeps reading both streams, so that no server ever blocks on a full pipe. */
function drain(child: Deno.ChildProcess) {
  let stdout = "", stderr = "";
  const collect = async (stream: ReadableStream<Uint8Array>, add: (text: string) => void) => {
    const decoder = new TextDecoder();
    for await (const bytes of stream) add(decoder.decode(bytes, { stream: true }));
  };
  collect(child.stdout, (text) => stdout = (stdout + text).slice(-65_536));
  collect(child.stderr, (text) => stderr = (stderr + text).slice(-65_536));
  return { stdout: () => stdout, stderr: () => stderr };
}

async function whenReady(
  child: Deno.ChildProcess,
  stderr: () => string,
  command: CommandLine,
  look: () => Promise<string | null>,
): Promise<string> {
  let code: number | null = null;
  child.status.then((status) => code = status.code);
  const limit = performance.now() + START_LIMIT_MS;
  while (code === null && performance.now() < limit) {
    const url = await look();
    if (url !== null) return url;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await end(child);
  const why = code === null ? "was not ready in time" : `ended with ${code}`;
  throw new Error(`${showCommand(command)} ${why}: ${stderr().trim().split("\n").slice(-5).join("\n")}`);
}
