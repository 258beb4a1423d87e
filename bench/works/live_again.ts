/** A run with nothing to do between two servers whose indexes are live, at two sizes: what it takes must not grow. */
import { ferry, summaryOf, syncCommand } from "../peers/ferry.ts";
import { runWell } from "../process.ts";
import { able, contestantsOf, served } from "./trees.ts";
import { Skipped, type Unit, type Work } from "./work.ts";

/** Beside the corpus: so many folders of so many empty files. */
const MANY = { folders: 10_000, files: 100 };

/** Bytes of a run that read no tree, and runs until that must have come about. */
const MOST_WITHOUT_TREE = 10_000;
const MOST_RUNS = 30;

export const liveWorks: readonly Work[] = [
  live("live-again", "s", 0.05),
  live("live-again-bytes", "KB", 2),
  live("live-1m", "s", 0.05, MANY),
  live("live-1m-bytes", "KB", 2, MANY),
];

function live(name: string, unit: Unit, most: number, tree?: typeof MANY): Work {
  const size = tree === undefined ? "the corpus" : `${tree.folders * tree.files} files`;
  return {
    name,
    about: `sync of ${size} between two servers with nothing changed: ${
      unit === "s" ? "time from the start of the run, as its summary says it" : "bytes on the wire, both ways"
    }`,
    unit,
    writes: true,
    against: [],
    goal: { most },
    prepare: async (bench, target, stack) => {
      if (target.kind === "disk") throw new Skipped("nothing is written");
      if (bench.smoke && tree !== undefined) throw new Skipped("too large for a hurried run");
      const dir = Deno.makeTempDirSync({ dir: target.dir, prefix: "live-" });
      stack.defer(() => Deno.remove(dir, { recursive: true }));
      const peers = able(bench, target, "serve").filter(({ name }) => name === ferry.name);
      return await contestantsOf(peers, async (peer) => {
        const source = tree === undefined ? bench.corpus.dir : fill(`${dir}/source`, tree);
        const scratch = bench.scratch();
        const from = await served(peer, source, { scratch }, stack);
        const replica = `${dir}/replica`;
        Deno.mkdirSync(replica);
        const to = await served(peer, replica, { scratch: bench.scratch(), writable: true }, stack);
        const command = syncCommand(from.url, to.url, scratch, "--json");
        // Servers build their indexes when there is time. A run without a tree finds both ready; then heads are known.
        for (let bytes = Infinity, i = 0; bytes > MOST_WITHOUT_TREE && i < MOST_RUNS; i++) {
          const { bytes_sent, bytes_received } = summaryOf((await runWell(command)).stdout);
          bytes = bytes_sent + bytes_received;
        }
        return {
          run: async () => {
            const { ms, bytes_sent, bytes_received } = summaryOf((await runWell(command)).stdout);
            const value = unit === "s" ? ms / 1000 : (bytes_sent + bytes_received) / 1e3;
            return { value, serverPeak: from.peakMemory() };
          },
        };
      });
    },
  };
}

function fill(root: string, { folders, files }: typeof MANY): string {
  for (let folder = 0; folder < folders; folder++) {
    const dir = `${root}/${folder % 100}/${folder}`;
    Deno.mkdirSync(dir, { recursive: true });
    for (let file = 0; file < files; file++) Deno.createSync(`${dir}/file ${file}`).close();
  }
  return root;
}
