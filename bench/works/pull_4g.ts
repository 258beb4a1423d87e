import { writeLargeFile } from "../corpus.ts";
import { compareFiles } from "../tree.ts";
import { able, contestantsOf, served, timed } from "./trees.ts";
import type { Work } from "./work.ts";

const BYTES = 4_000_000_000;
const HURRIED_BYTES = 100_000_000;

/** One large file into an empty folder. */
export const pull4g: Work = {
  name: "pull-4g",
  about: "pull of one file of 4 GB into an empty folder",
  unit: "MB/s",
  writes: true,
  against: ["rsync"],
  goal: { against: "rsync", least: 0.9, memory: 200e6 },
  prepare: async (bench, target, stack) => {
    const bytes = bench.smoke ? HURRIED_BYTES : BYTES;
    const source = Deno.makeTempDirSync({ dir: target.dir, prefix: "large-" });
    stack.defer(() => Deno.remove(source, { recursive: true }));
    writeLargeFile(`${source}/large`, bytes);
    return await contestantsOf(able(bench, target, "serve", "pull"), async (peer) => {
      const scratch = bench.scratch();
      const server = await served(peer, source, { scratch }, stack);
      let round = 0;
      const run = async () => {
        const dir = Deno.makeTempDirSync({ dir: target.dir, prefix: "pull-" });
        try {
          const sample = await timed(peer.pull(server.url, dir, { scratch }), target, server);
          if (round++ === 0) compareFiles(`${source}/large`, `${dir}/large`);
          return { ...sample, value: bytes / 1e6 / sample.value };
        } finally {
          await Deno.remove(dir, { recursive: true });
        }
      };
      return { run };
    });
  },
};
