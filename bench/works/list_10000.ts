import { runWell } from "../process.ts";
import { median } from "../stats.ts";
import { MOST_MEMORY } from "./get_hot.ts";
import { able, contestantsOf, served } from "./trees.ts";
import { Skipped, type Work } from "./work.ts";

const ENTRIES = 10_000;

/** Requests in a round; the median of them is its sample. */
const REQUESTS = 7;

/** The listing of a large folder: until it is whole, and until it begins. */
export const listingWorks: readonly Work[] = [
  listing("list-10000", "time_total", 30, "listing of 10,000 files as JSON, until it is whole, by curl"),
  listing("list-10000-begin", "time_starttransfer", 10, "the same, until its first byte"),
];

function listing(name: string, time: string, most: number, about: string): Work {
  return {
    name,
    about,
    unit: "ms",
    writes: false,
    against: ["nginx", "caddy", "dufs"],
    goal: { most, memory: MOST_MEMORY },
    prepare: async (bench, target, stack) => {
      if (!bench.peers.some((peer) => peer.name === "curl")) throw new Skipped("curl is not installed");
      const dir = bench.scratch();
      stack.defer(() => Deno.remove(dir, { recursive: true }));
      Deno.mkdirSync(`${dir}/many`);
      for (let i = 0; i < ENTRIES; i++) Deno.writeTextFileSync(`${dir}/many/file-${i}.txt`, `${i}\n`);
      return await contestantsOf(
        able(bench, target, "serve", "jsonListing"),
        async (peer) => {
          const server = await served(peer, dir, { scratch: bench.scratch() }, stack);
          const { query = "", accept } = peer.jsonListing;
          const args = ["-sSf", "-o", "-", "-w", `\n%{${time}}`, `${server.url}many/${query}`];
          if (accept !== undefined) args.push("-H", `Accept: ${accept}`);
          const once = async () => {
            const { stdout } = await runWell({ path: "curl", args });
            const end = stdout.lastIndexOf("\n");
            const names = stdout.slice(0, end).match(/"name": ?"file-\d+\.txt"/g)?.length;
            if (names !== ENTRIES) throw new Error(`${names} of ${ENTRIES} entries are in the listing`);
            return Number(stdout.slice(end)) * 1000;
          };
          const run = async () => {
            const times: number[] = [];
            for (let i = 0; i < REQUESTS; i++) times.push(await once());
            return { value: median(times), serverPeak: server.peakMemory() };
          };
          return { run };
        },
      );
    },
  };
}
