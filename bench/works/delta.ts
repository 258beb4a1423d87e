/** A new version of a file, pulled onto the old one: how many bytes that takes on the wire, and how long. */
import * as zlib from "node:zlib";
import { filePair, type Pair, type PairName } from "../delta_corpus.ts";
import { runWell } from "../process.ts";
import { compareFiles } from "../tree.ts";
import { able, contestantsOf, served, timed } from "./trees.ts";
import { type Contestant, type Goal, type Sample, Skipped, type Work } from "./work.ts";

/** The only pair that is quick to make. */
const HURRIED: PairName = "sqlite";

/** What stands in the table for what cannot be saved: the bytes that are new, compressed, and 100 KB. */
const NEW_BYTES = "new bytes + 100 KB";

interface Task {
  pair: PairName;
  about: string;
  goal: Goal;
}

const TASKS: readonly Task[] = [
  { pair: "edits", about: "512 MB with 450 edits of 1 to 4 KB", goal: { against: "rsync", most: 0.2 } },
  {
    pair: "binary",
    about: "the binary of Deno 2.9.6 onto that of 2.9.5",
    goal: { against: "rsync -z", most: 1.0 },
  },
  {
    pair: "sqlite",
    about: "a SQLite database of 68 MB, 1 % of 600,000 rows updated",
    goal: { against: "rsync -z", most: 0.2 },
  },
  {
    pair: "tar",
    about: "a tar of /usr/share/doc, every header changed",
    goal: { against: "rsync -z", most: 0.6 },
  },
  { pair: "log", about: "a log of 200 MB that grew by 1 %", goal: { against: NEW_BYTES, most: 1.0 } },
];

/** The bytes of each task, and the time of the first. */
export const deltaWorks: readonly Work[] = [
  ...TASKS.map((task) => deltaWork(task, "MB")),
  deltaWork({ ...TASKS[0], goal: { against: "rsync", most: 1.5, memory: 200e6 } }, "s"),
];

function deltaWork({ pair, about, goal }: Task, unit: "MB" | "s"): Work {
  const against = ["rsync", "rsync -z", ...(goal.against === NEW_BYTES ? [NEW_BYTES] : [])];
  return {
    name: unit === "MB" ? `delta-${pair}` : `delta-${pair}-time`,
    about: `pull of ${about}: ${unit === "MB" ? "bytes on the wire, both ways" : "time"}`,
    unit,
    writes: true,
    against,
    goal,
    prepare: async (bench, target, stack) => {
      if (bench.smoke && pair !== HURRIED) throw new Skipped("too large for a hurried run");
      if (target.kind === "disk" && unit === "MB") throw new Skipped("the same bytes as into memory");
      const files = await filePair(pair, bench.say);
      const dir = Deno.makeTempDirSync({ dir: target.dir, prefix: "delta-" });
      stack.defer(() => Deno.remove(dir, { recursive: true }));
      Deno.mkdirSync(`${dir}/new`);
      Deno.copyFileSync(files.new, `${dir}/new/file`);
      const contestants = await contestantsOf(able(bench, target, "serve", "pullCounted"), async (peer) => {
        const scratch = bench.scratch();
        const server = await served(peer, `${dir}/new`, { scratch }, stack);
        const run = async (): Promise<Sample> => {
          const to = Deno.makeTempDirSync({ dir, prefix: "old-" });
          try {
            Deno.copyFileSync(files.old, `${to}/file`);
            // Whatever decides by the time must see that it is another version.
            Deno.utimeSync(`${to}/file`, 1_500_000_000, 1_500_000_000);
            const { command, bytes } = peer.pullCounted(server.url, to, { scratch });
            const sample = unit === "s"
              ? await timed(command, target, server)
              : { value: bytes((await runWell(command)).stdout) / 1e6 };
            compareFiles(`${dir}/new/file`, `${to}/file`);
            return sample;
          } finally {
            await Deno.remove(to, { recursive: true });
          }
        };
        return { run };
      });
      if (goal.against === NEW_BYTES) contestants.push(newBytes(files));
      // The same bytes each time.
      return unit === "s" ? contestants : contestants.map((one) => ({ ...one, rounds: 1 }));
    },
  };
}

/** What was appended, as small as zstd makes it without effort. */
function newBytes(files: Pair): Contestant {
  const old = Deno.statSync(files.old).size;
  const added = Deno.readFileSync(files.new).subarray(old);
  const { zstdCompressSync } = zlib as { zstdCompressSync?: (bytes: Uint8Array) => Uint8Array };
  const small = (zstdCompressSync ?? zlib.brotliCompressSync)(added);
  return { name: NEW_BYTES, run: () => Promise.resolve({ value: (small.length + 100_000) / 1e6 }) };
}
