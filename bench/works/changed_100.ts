import { runWell } from "../process.ts";
import { seeded } from "../seeded.ts";
import { compareTrees } from "../tree.ts";
import { able, contestantsOf, served, timed } from "./trees.ts";
import type { Work } from "./work.ts";

const CHANGED = 100;

/** A replica that is a little behind: few files changed among many. */
export const changed100: Work = {
  name: "changed-100",
  about: `pull after ${CHANGED} files of the corpus changed at the source`,
  unit: "s",
  writes: true,
  against: ["rsync"],
  goal: { against: "rsync", most: 1.0 },
  prepare: async (bench, target, stack) => {
    return await contestantsOf(able(bench, target, "serve", "mirror"), async (peer) => {
      // A source of its own for each program: none sees the changes that another one has to bring.
      const dir = Deno.makeTempDirSync({ dir: target.dir, prefix: "changed-" });
      stack.defer(() => Deno.remove(dir, { recursive: true }));
      const [source, replica] = [`${dir}/source`, `${dir}/replica`];
      await runWell({ path: "cp", args: ["-a", bench.corpus.dir, source] });
      Deno.mkdirSync(replica);
      const scratch = bench.scratch();
      const server = await served(peer, source, { scratch }, stack);
      const mirror = peer.mirror(server.url, replica, { scratch });
      await runWell(mirror);
      const files = filesBelow(source);
      let round = 0;
      return {
        run: async () => {
          change(files, round++);
          return await timed(mirror, target, server);
        },
        finish: () => {
          compareTrees(source, replica, { metadata: peer.faithful });
          return Promise.resolve();
        },
      };
    });
  },
};

/** Adds a line to some of `files`, the same ones for each program, others in each round. */
function change(files: readonly string[], round: number): void {
  const next = seeded(round + 1);
  for (let i = 0; i < CHANGED; i++) {
    Deno.writeTextFileSync(files[next() % files.length], `changed in round ${round}\n`, { append: true });
  }
}

function filesBelow(root: string): string[] {
  const found: string[] = [];
  const visit = (dir: string) => {
    for (const { name, isFile, isDirectory } of Deno.readDirSync(dir)) {
      if (isFile) found.push(`${dir}/${name}`);
      else if (isDirectory) visit(`${dir}/${name}`);
    }
  };
  visit(root);
  return found.sort();
}
