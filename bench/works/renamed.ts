import { able, contestantsOf, served, timed, verify } from "./trees.ts";
import { runWell } from "../process.ts";
import type { Work } from "./work.ts";

/** Files in the folder that is renamed. */
const FILES = 10_000;

/** A folder of the corpus renamed at the source, then the pull that makes the destination the same. */
export const renamed: Work = {
  name: "renamed",
  about: `pull after a folder of ${FILES} files was renamed at the source, the old name deleted`,
  unit: "s",
  writes: true,
  against: ["rsync"],
  goal: { against: "rsync", most: 0.2 },
  prepare: async (bench, target, stack) => {
    // One tree serves all: each round renames the folder for one program and gives it its name back.
    const source = Deno.makeTempDirSync({ dir: target.dir, prefix: "renamed-" });
    stack.defer(() => Deno.remove(source, { recursive: true }));
    await runWell({ path: "cp", args: ["-a", `${bench.corpus.dir}/.`, source] });
    const names = [`${source}/a folder of many`, `${source}/the same folder`];
    gather(source, names[0]);
    return await contestantsOf(able(bench, target, "serve", "mirror"), async (peer) => {
      const scratch = bench.scratch();
      const server = await served(peer, source, { scratch }, stack);
      const dir = Deno.makeTempDirSync({ dir: target.dir, prefix: "mirror-" });
      stack.defer(() => Deno.remove(dir, { recursive: true }));
      const mirror = () => peer.mirror(server.url, dir, { scratch });
      await runWell(mirror());
      let round = 0;
      return {
        run: async () => {
          // Its destination has the name of the last round; the others find the first one again.
          if (round++ % 2 === 0) Deno.renameSync(names[0], names[1]);
          try {
            return await timed(mirror(), target, server);
          } finally {
            verify(bench, dir, peer, false);
            if (round % 2 === 1) Deno.renameSync(names[1], names[0]);
          }
        },
      };
    });
  },
};

/** Moves the first FILES files of the tree, by the order of their paths, into the new folder `into`. */
function gather(root: string, into: string): void {
  const found: string[] = [];
  const visit = (dir: string) => {
    for (const { name, isDirectory, isFile } of Deno.readDirSync(dir)) {
      if (isDirectory) visit(`${dir}/${name}`);
      else if (isFile) found.push(`${dir}/${name}`);
    }
  };
  visit(root);
  Deno.mkdirSync(into);
  found.sort().slice(0, FILES).forEach((path, index) => Deno.renameSync(path, `${into}/${index}`));
}
