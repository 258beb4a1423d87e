import { nginx } from "../peers/nginx.ts";
import { compareFiles } from "../tree.ts";
import { able, clear, contestantsOf, served, timed } from "./trees.ts";
import { Skipped, type Work } from "./work.ts";

/** The corpus from nginx's pages of its folders. */
export const requestRecursive: Work = {
  name: "request-recursive",
  about: "the corpus into an empty folder, from nginx's listings as pages",
  unit: "s",
  writes: true,
  against: ["wget", "rclone"],
  goal: [{ against: "wget", most: 0.5, memory: 120e6 }, { against: "rclone", most: 0.5 }],
  prepare: async (bench, target, stack) => {
    const server = bench.peers.find(({ name }) => name === nginx.name);
    if (server?.serve === undefined) throw new Skipped("it takes nginx");
    const options = { scratch: bench.scratch(), htmlListing: true };
    const { serve } = server;
    const daemon = await served({ ...server, serve }, bench.corpus.dir, options, stack);
    const expected = listedFiles(bench.corpus.dir);
    return await contestantsOf(able(bench, target, "recurse"), (peer) => {
      let round = 0;
      const run = async () => {
        const dir = Deno.makeTempDirSync({ dir: target.dir, prefix: "recursive-" });
        try {
          const sample = await timed(
            peer.recurse(daemon.url, dir, { scratch: bench.scratch() }),
            target,
            daemon,
          );
          // wget keeps the listings, too, so that only what has to be there is looked for.
          for (const [path, size] of expected) {
            if (Deno.lstatSync(`${dir}/${path}`).size !== size) throw new Error(`${path} has another size`);
            if (round === 0) compareFiles(`${bench.corpus.dir}/${path}`, `${dir}/${path}`);
          }
          round++;
          return sample;
        } finally {
          await clear(dir, target, stack);
        }
      };
      return { run };
    });
  },
};

/** What nginx lists: links as what they lead to, and nothing whose name begins with a dot. */
function listedFiles(root: string): Map<string, number> {
  const found = new Map<string, number>();
  const visit = (prefix: string) => {
    for (const { name } of Deno.readDirSync(`${root}/${prefix}`)) {
      if (name.startsWith(".")) continue;
      const info = Deno.statSync(`${root}/${prefix}${name}`);
      if (info.isDirectory) visit(`${prefix}${name}/`);
      else found.set(prefix + name, info.size);
    }
  };
  visit("");
  return found;
}
