import { runWell } from "../process.ts";
import { able, contestantsOf, served } from "./trees.ts";
import { Skipped, type Work } from "./work.ts";

/** Requests for one small file, by wrk. */
export const get1k: Work = {
  name: "get-1k",
  about: "GET of one 1 KB file, `wrk -t1 -c64`",
  unit: "requests/s",
  writes: false,
  against: ["caddy", "nginx"],
  goal: { against: "caddy", least: 1.0 },
  prepare: async (bench, target, stack) => {
    if (!bench.wrk) throw new Skipped("wrk is not installed");
    return await contestantsOf(
      able(bench, target, "serve").filter((peer) => peer.servesFiles),
      async (peer) => {
        const server = await served(peer, bench.files.dir, { scratch: bench.scratch() }, stack);
        const args = ["-t1", "-c64", bench.smoke ? "-d1s" : "-d5s", `${server.url}small`];
        const run = async () => {
          const { stdout } = await runWell({ path: "wrk", args });
          return { value: requestsPerSecond(stdout), serverPeak: server.peakMemory() };
        };
        return { run };
      },
    );
  },
};

/** The `Requests/sec` of wrk's report; throws when some requests failed. */
function requestsPerSecond(report: string): number {
  const trouble = /^\s*(Socket errors:.*|Non-2xx or 3xx responses:.*)$/m.exec(report);
  if (trouble) throw new Error(`wrk: ${trouble[1]}`);
  const match = /^Requests\/sec:\s+([\d.]+)/m.exec(report);
  if (!match) throw new Error(`wrk said nothing of requests: ${report}`);
  return Number(match[1]);
}
