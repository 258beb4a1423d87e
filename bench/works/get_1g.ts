import { runWell } from "../process.ts";
import { MOST_MEMORY } from "./get_hot.ts";
import { able, contestantsOf, served } from "./trees.ts";
import { Skipped, type Work } from "./work.ts";

/** One large file out of a server, as fast as it comes. */
export const get1g: Work = {
  name: "get-1g",
  about: "GET of one large file, curl to /dev/null",
  unit: "MB/s",
  writes: false,
  against: ["nginx", "caddy"],
  goal: { against: "nginx", least: 1.0, memory: MOST_MEMORY },
  prepare: async (bench, target, stack) => {
    if (!bench.peers.some((peer) => peer.name === "curl")) throw new Skipped("curl is not installed");
    return await contestantsOf(
      able(bench, target, "serve").filter((peer) => peer.servesFiles),
      async (peer) => {
        const server = await served(peer, bench.files.dir, { scratch: bench.scratch() }, stack);
        const report = "%{size_download} %{time_total}";
        const args = ["-sSf", "-o", "/dev/null", "-w", report, `${server.url}large`];
        const run = async () => {
          const [bytes, seconds] = (await runWell({ path: "curl", args })).stdout.split(" ").map(Number);
          if (bytes !== bench.files.largeBytes) throw new Error(`${bytes} bytes came`);
          return { value: bytes / 1e6 / seconds, serverPeak: server.peakMemory() };
        };
        return { run };
      },
    );
  },
};
