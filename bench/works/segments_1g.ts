import { startTalkingDaemon } from "../daemon.ts";
import { fetchLarge, source } from "./request_1g.ts";
import { contestantsOf } from "./trees.ts";
import type { Work } from "./work.ts";

const SEGMENTS = 8;
const PROXY = new URL("../slow_proxy.ts", import.meta.url).pathname;

/** One large file over a long way, by eight connections where the program can. */
export const segments1g: Work = {
  name: "segments-1g",
  about: "one large file through a proxy of 50 ms and 20 MB/s a connection, by 8 connections; curl by one",
  unit: "MB/s",
  writes: true,
  against: ["aria2", "curl"],
  goal: [{ against: "aria2", least: 1.0, memory: 120e6 }, { against: "curl", least: 5 }],
  prepare: async (bench, target, stack) => {
    const server = await source(bench, target, stack);
    const { port } = new URL(server.url);
    const proxy = await startTalkingDaemon(
      { path: Deno.execPath(), args: ["run", "-A", "--no-prompt", "--no-check", "--quiet", PROXY, port] },
      (stdout) => /^http\S+/.exec(stdout)?.[0] ?? null,
    );
    stack.defer(() => proxy.stop());
    const peers = bench.peers.filter((peer) => peer.getSegments !== undefined || peer.name === "curl");
    return await contestantsOf(peers, (peer) => {
      const url = `${proxy.url}large`;
      const get = (path: string) => peer.getSegments?.(url, path, SEGMENTS) ?? peer.get!(url, path);
      const run = fetchLarge(bench, { target, server, get });
      // A single connection takes its time.
      return peer.name === "curl" ? { run, rounds: 1 } : { run };
    });
  },
};
