import { able, contestantsOf, served, timed, verify } from "./trees.ts";
import { runWell } from "../process.ts";
import type { Work } from "./work.ts";

/** The same pull once more, with nothing changed. */
export const pullAgain: Work = {
  name: "pull-again",
  about: "the same pull again, with nothing changed on either side",
  unit: "s",
  writes: true,
  against: ["rsync", "rclone"],
  goal: { against: "rsync", most: 1.0 },
  prepare: async (bench, target, stack) => {
    // Nothing is written, so who waits for the disk does not matter.
    const peers = able(bench, { kind: "tmpfs", dir: target.dir }, "serve", "pull");
    return await contestantsOf(peers, async (peer) => {
      const scratch = bench.scratch();
      const server = await served(peer, bench.corpus.dir, { scratch }, stack);
      const dir = Deno.makeTempDirSync({ dir: target.dir, prefix: "again-" });
      stack.defer(() => Deno.remove(dir, { recursive: true }));
      await runWell(peer.pull(server.url, dir, { scratch }));
      return {
        run: () => timed(peer.pull(server.url, dir, { scratch }), target, server),
        finish: async () => {
          verify(bench, dir, peer, false);
          await peer.checkNothingToDo?.(server.url, dir, { scratch });
        },
      };
    });
  },
};
