import type { Daemon } from "../daemon.ts";
import { type CommandLine, runWell } from "../process.ts";
import { compareFiles } from "../tree.ts";
import { able, contestantsOf, served, timed } from "./trees.ts";
import { type Bench, type Goal, type Sample, Skipped, type Target, type Work } from "./work.ts";

const GOAL: Goal = { against: "curl", least: 1.0, memory: 120e6 };

/** One large file into a file, from one and the same server: nginx where it is installed. */
export const request1g: Work = {
  name: "request-1g",
  about: "one large file into a file, all from one server (nginx, else Ferry)",
  unit: "MB/s",
  writes: true,
  against: ["curl"],
  goal: GOAL,
  prepare: async (bench, target, stack) => {
    const server = await source(bench, target, stack);
    return await contestantsOf(able(bench, { kind: "tmpfs", dir: target.dir }, "get"), (peer) => {
      const get = (path: string) => peer.get(`${server.url}large`, path);
      return { run: fetchLarge(bench, { target, server, get }) };
    });
  },
};

/** The same into a pipe that is read as fast as it can be. */
export const request1gPipe: Work = {
  name: "request-1g-pipe",
  about: "one large file into a pipe, `| wc -c`",
  unit: "MB/s",
  writes: false,
  against: ["curl"],
  goal: GOAL,
  prepare: async (bench, target, stack) => {
    const server = await source(bench, target, stack);
    return await contestantsOf(able(bench, target, "show").filter(isFast), (peer) => {
      const { path, args, env } = peer.show(`${server.url}large`, { scratch: bench.scratch() });
      const run = async () => {
        const piped = { path: "sh", args: ["-c", '"$@" | wc -c', "sh", path, ...args], env };
        const { ms, stdout, peakMemory } = await runWell(piped, { watch: true });
        if (Number(stdout) !== bench.files.largeBytes) throw new Error(`${stdout.trim()} bytes arrived`);
        return { value: Number(stdout) / 1e3 / ms, clientPeak: peakMemory };
      };
      return { run };
    });
  },
};

interface LargeFetch {
  target: Target;
  server: Daemon;
  /** Fetches the large file into a file. */
  get(path: string): CommandLine;
}

/** Rounds of fetching the large file: MB/s. The first one compares what has come. */
export function fetchLarge(bench: Bench, { target, server, get }: LargeFetch): () => Promise<Sample> {
  let round = 0;
  return async () => {
    const dir = Deno.makeTempDirSync({ dir: target.dir, prefix: "large-" });
    try {
      const { value: seconds, clientPeak } = await timed(get(`${dir}/large`), target, server);
      const bytes = Deno.statSync(`${dir}/large`).size;
      if (bytes !== bench.files.largeBytes) throw new Error(`${bytes} bytes arrived`);
      if (round++ === 0) compareFiles(`${bench.files.dir}/large`, `${dir}/large`);
      return { value: bytes / 1e6 / seconds, clientPeak };
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  };
}

/** The server that all of them ask. */
export async function source(bench: Bench, target: Target, stack: AsyncDisposableStack): Promise<Daemon> {
  const servers = able(bench, target, "serve").filter((peer) => peer.servesFiles);
  const peer = servers.find(({ name }) => name === "nginx") ?? servers[0];
  if (peer === undefined) throw new Skipped("there is no server to fetch from");
  // rclone reads no other listings.
  return await served(peer, bench.files.dir, { scratch: bench.scratch(), htmlListing: true }, stack);
}

/** HTTPie takes a body into memory whole. */
function isFast({ name }: { name: string }): boolean {
  return name !== "httpie";
}
