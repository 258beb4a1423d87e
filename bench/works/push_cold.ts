import { able, clear, contestantsOf, served, timed, verify } from "./trees.ts";
import type { Work } from "./work.ts";

/** The corpus up to a server, each round into a new empty folder of its share. */
export const pushCold: Work = {
  name: "push-cold",
  about: "push of the corpus into an empty folder of a server on loopback",
  unit: "s",
  writes: true,
  against: ["rsync", "rsync --fsync"],
  goal: [
    { against: "rsync", most: 0.67, memory: 200e6 },
    { against: "rsync --fsync", most: 1.0, disk: true },
    { of: "ferry --no-fsync", against: "rsync", most: 1.0, disk: true },
  ],
  prepare: async (bench, target, stack) => {
    return await contestantsOf(able(bench, target, "serve", "push"), async (peer) => {
      const scratch = bench.scratch();
      const share = Deno.makeTempDirSync({ dir: target.dir, prefix: "push-" });
      stack.defer(() => Deno.remove(share, { recursive: true }));
      const server = await served(peer, share, { scratch, writable: true }, stack);
      let round = 0;
      const run = async () => {
        const name = `round-${round}`;
        const dir = `${share}/${name}`;
        Deno.mkdirSync(dir);
        try {
          const url = `${server.url}${name}/`;
          const sample = await timed(peer.push(bench.corpus.dir, url, { scratch }), target, server);
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
