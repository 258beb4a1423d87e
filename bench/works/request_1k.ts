import { runWell } from "../process.ts";
import { median } from "../stats.ts";
import { source } from "./request_1g.ts";
import { able, contestantsOf } from "./trees.ts";
import type { Work } from "./work.ts";

/** So many in a row make a sample: starting a program varies more than what it then does. */
const RUNS = 10;

/** A whole process for one small file, from one and the same server. */
export const request1k: Work = {
  name: "request-1k",
  about: `one 1 KB file to stdout, the whole process; median of ${RUNS} runs`,
  unit: "ms",
  writes: false,
  against: ["rclone", "httpie", "curl"],
  goal: [{ most: 60 }, { against: "rclone", most: 0.6 }, { against: "httpie", most: 0.2 }],
  prepare: async (bench, target, stack) => {
    const server = await source(bench, target, stack);
    const expected = new TextDecoder().decode(Deno.readFileSync(`${bench.files.dir}/small`));
    return await contestantsOf(able(bench, target, "show"), (peer) => {
      const show = peer.show(`${server.url}small`, { scratch: bench.scratch() });
      const run = async () => {
        const times: number[] = [];
        let clientPeak = 0;
        for (let i = 0; i < (bench.smoke ? 2 : RUNS); i++) {
          const { ms, stdout, peakMemory } = await runWell(show, { watch: i === 0 });
          if (stdout !== expected) throw new Error("something else arrived");
          if (i > 0) times.push(ms);
          clientPeak = Math.max(clientPeak, peakMemory);
        }
        return { value: median(times), clientPeak };
      };
      return { run };
    });
  },
};
