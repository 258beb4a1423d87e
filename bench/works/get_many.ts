import { needWrk, randomOrderScript, wrk, type WrkReport } from "../wrk.ts";
import { MOST_MEMORY } from "./get_hot.ts";
import { able, contestantsOf, served } from "./trees.ts";
import type { Goal, Unit, Work } from "./work.ts";

const SMALL_FILES = 20_000;
const LARGER_FILES = 100;

/** Many files in random order, by wrk. */
export const manyWorks: readonly Work[] = [
  many({
    name: "get-20000",
    about: "GET of 20,000 files of 1 KB in random order, `wrk -t1 -c64`",
    unit: "requests/s",
    files: { count: SMALL_FILES, bytes: 1024 },
    connections: 64,
    goal: { against: "nginx", least: 0.8, memory: MOST_MEMORY },
    value: (report) => report.requestsPerSecond,
  }),
  many({
    name: "get-1m",
    about: "GET of 100 files of 1 MB in random order, `wrk -t1 -c16`",
    unit: "MB/s",
    files: { count: LARGER_FILES, bytes: 1_000_000 },
    connections: 16,
    goal: { against: "nginx", least: 1.0, memory: MOST_MEMORY },
    value: (report) => report.bytesPerSecond / 1e6,
  }),
];

function many(what: {
  name: string;
  about: string;
  unit: Unit;
  files: { count: number; bytes: number };
  connections: number;
  goal: Goal;
  value: (report: WrkReport) => number;
}): Work {
  const { name, about, unit, files, connections, goal, value } = what;
  return {
    name,
    about,
    unit,
    writes: false,
    against: ["nginx", "caddy", "dufs", "miniserve"],
    goal,
    prepare: async (bench, target, stack) => {
      needWrk(bench);
      const dir = bench.scratch();
      stack.defer(() => Deno.remove(dir, { recursive: true }));
      const bytes = new Uint8Array(files.bytes);
      for (let i = 0; i < files.count; i++) {
        // No two are the same.
        for (let at = 0; at < bytes.length; at += 65_536) {
          crypto.getRandomValues(bytes.subarray(at, at + 1024));
        }
        Deno.writeFileSync(`${dir}/${i}`, bytes);
      }
      const script = `${bench.scratch()}/order.lua`;
      Deno.writeTextFileSync(script, randomOrderScript("/", files.count));
      return await contestantsOf(
        able(bench, target, "serve").filter((peer) => peer.servesFiles),
        async (peer) => {
          const server = await served(peer, dir, { scratch: bench.scratch() }, stack);
          const run = async () => {
            const report = await wrk(server.url, { connections, hurried: bench.smoke, script });
            return { value: value(report), serverPeak: server.peakMemory() };
          };
          return { run };
        },
      );
    },
  };
}
