import { runWell } from "../process.ts";
import { median } from "../stats.ts";
import { MOST_MEMORY } from "./get_hot.ts";
import { able, contestantsOf, served } from "./trees.ts";
import { Skipped, type Work } from "./work.ts";

const ENTRIES = 10_000;

/** Requests in a round; the median of them is its sample. */
const REQUESTS = 7;

/** What a client that lists or syncs wants to know. */
const SOME = '<?xml version="1.0"?><propfind xmlns="DAV:"><prop><resourcetype/><getcontentlength/>' +
  "<getlastmodified/><getetag/></prop></propfind>";

/** PROPFIND of a large folder, with four properties and with all that there are. */
export const propfindWorks: readonly Work[] = [
  propfind("propfind-10000", SOME, "PROPFIND, depth 1, of 10,000 files, four properties, by curl"),
  propfind("propfind-10000-all", null, "the same, all properties (servers have more and less of them)"),
];

function propfind(name: string, body: string | null, about: string): Work {
  return {
    name,
    about,
    unit: "ms",
    writes: false,
    against: ["rclone webdav", "nginx dav-ext", "dufs"],
    goal: [
      { against: "rclone webdav", most: 1.0, memory: MOST_MEMORY },
      { against: "nginx dav-ext", most: 1.0 },
    ],
    prepare: async (bench, target, stack) => {
      if (!bench.peers.some((peer) => peer.name === "curl")) throw new Skipped("curl is not installed");
      const dir = bench.scratch();
      stack.defer(() => Deno.remove(dir, { recursive: true }));
      Deno.mkdirSync(`${dir}/many`);
      for (let i = 0; i < ENTRIES; i++) Deno.writeTextFileSync(`${dir}/many/file-${i}.txt`, `${i}\n`);
      return await contestantsOf(
        able(bench, target, "serve").filter((peer) => peer.propfind),
        async (peer) => {
          const server = await served(peer, dir, { scratch: bench.scratch() }, stack);
          const args = ["-sSf", "-X", "PROPFIND", "-H", "Depth: 1", "-w", "\n%{time_total}"];
          if (body !== null) args.push("-H", "Content-Type: text/xml", "--data", body);
          args.push(`${server.url}many/`);
          const once = async () => {
            const { stdout } = await runWell({ path: "curl", args });
            const end = stdout.lastIndexOf("\n");
            const count = stdout.slice(0, end).match(/<\w+:response[ >]/g)?.length;
            if (count !== ENTRIES + 1) throw new Error(`${count} of ${ENTRIES + 1} responses came`);
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
