import { needWrk, wrk } from "../wrk.ts";
import { able, contestantsOf, served } from "./trees.ts";
import type { Work } from "./work.ts";

/** Bytes that no server may need for files. */
export const MOST_MEMORY = 150e6;

/** Requests for one small file, by wrk. */
export const hotWorks: readonly Work[] = [
  hot("get-1k", "small", "GET of one 1 KB file, `wrk -t1 -c64`"),
  hot("get-10k", "small10", "GET of one 10 KB file, `wrk -t1 -c64`"),
];

function hot(name: string, file: string, about: string): Work {
  return {
    name,
    about,
    unit: "requests/s",
    writes: false,
    against: ["nginx", "caddy", "dufs", "miniserve"],
    goal: [
      { against: "nginx", least: 1.0, memory: MOST_MEMORY },
      { against: "caddy", least: 2.5 },
      { against: "dufs", least: 1.0 },
      { against: "miniserve", least: 1.0 },
    ],
    prepare: async (bench, target, stack) => {
      needWrk(bench);
      return await contestantsOf(
        able(bench, target, "serve").filter((peer) => peer.servesFiles),
        async (peer) => {
          const server = await served(peer, bench.files.dir, { scratch: bench.scratch() }, stack);
          const run = async () => {
            const report = await wrk(server.url + file, { connections: 64, hurried: bench.smoke });
            return { value: report.requestsPerSecond, serverPeak: server.peakMemory() };
          };
          return { run };
        },
      );
    },
  };
}
