import { able, clear, contestantsOf, served, timed, verify } from "./trees.ts";
import type { Work } from "./work.ts";

/** The corpus from a server into an empty folder. The servers stay up from round to round. */
export const pullCold: Work = {
  name: "pull-cold",
  about: "pull of the corpus from a server on loopback into an empty folder",
  unit: "s",
  writes: true,
  against: ["rsync", "rsync --fsync", "rclone"],
  goal: [
    { against: "rsync", most: 0.67, memory: 200e6 },
    { against: "rclone", most: 0.2 },
    { against: "rsync --fsync", most: 1.0, disk: true },
    { of: "ferry --no-fsync", against: "rsync", most: 1.0, disk: true },
  ],
  prepare: async (bench, target, stack) => {
    return await contestantsOf(able(bench, target, "serve", "pull"), async (peer) => {
      const scratch = bench.scratch();
      const server = await served(peer, bench.corpus.dir, { scratch }, stack);
      let round = 0;
      const run = async () => {
        const dir = Deno.makeTempDirSync({ dir: target.dir, prefix: "pull-" });
        try {
          const sample = await timed(peer.pull(server.url, dir, { scratch }), target, server);
          verify(bench, dir, peer, round++ === 0);
          return sample;
        } finally {
          await clear(dir, target, stack);
        }
      };
      return { run };
    });
  },
};
