import { ferry } from "../peers/ferry.ts";
import { nginx } from "../peers/nginx.ts";
import { compareFiles } from "../tree.ts";
import { able, clear, contestantsOf, served, timed } from "./trees.ts";
import { type Goal, Skipped, type Work } from "./work.ts";

const FILES = 20_000;
const BYTES = 2048;

/** Many small files by a list of their URLs, each from one and the same server. */
export const request20000Works: readonly Work[] = [
  many({ server: nginx.name, goal: { against: "curl", most: 0.7, memory: 120e6 } }),
  // What a server keeps in memory is a matter of other works.
  many({ server: ferry.name, goal: { against: "curl", most: 0.35 } }),
];

function many({ server: name, goal }: { server: string; goal: Goal }): Work {
  return {
    name: `request-20000-${name}`,
    about: `20,000 files of 2 KB by a list of URLs, 16 at a time, from ${name}`,
    unit: "s",
    writes: true,
    against: ["curl"],
    goal,
    prepare: async (bench, target, stack) => {
      const server = bench.peers.find((peer) => peer.name === name);
      if (server?.serve === undefined) throw new Skipped(`it takes ${name}`);
      const files = bench.smoke ? FILES / 10 : FILES;
      const source = bench.scratch();
      stack.defer(() => Deno.remove(source, { recursive: true }));
      const names = Array.from({ length: files }, (_, n) => `f${n}`);
      for (const name of names) {
        Deno.writeFileSync(`${source}/${name}`, crypto.getRandomValues(new Uint8Array(BYTES)));
      }
      const { serve } = server;
      const daemon = await served({ ...server, serve }, source, { scratch: bench.scratch() }, stack);
      return await contestantsOf(able(bench, target, "getMany"), (peer) => {
        let round = 0;
        const run = async () => {
          const dir = Deno.makeTempDirSync({ dir: target.dir, prefix: "many-" });
          try {
            const command = peer.getMany({ url: daemon.url, names }, dir, { scratch: bench.scratch() });
            const sample = await timed(command, target, daemon);
            for (const name of names) {
              if (Deno.statSync(`${dir}/${name}`).size !== BYTES) throw new Error(`${name} has another size`);
              if (round === 0) compareFiles(`${source}/${name}`, `${dir}/${name}`);
            }
            round++;
            return { ...sample, value: sample.value * FILES / files };
          } finally {
            await clear(dir, target, stack);
          }
        };
        return { run };
      });
    },
  };
}
