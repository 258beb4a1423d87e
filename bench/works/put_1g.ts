import { compareFiles } from "../tree.ts";
import { MOST_MEMORY } from "./get_hot.ts";
import { able, contestantsOf, served, timed } from "./trees.ts";
import { Skipped, type Work } from "./work.ts";

/** One large file into a server. */
export const put1g: Work = {
  name: "put-1g",
  about: "PUT of one large file, by curl",
  unit: "MB/s",
  writes: true,
  against: ["rclone webdav", "nginx", "dufs"],
  goal: [
    { against: "rclone webdav", least: 1.0, memory: MOST_MEMORY },
    { against: "nginx", least: 1.0 },
  ],
  prepare: async (bench, target, stack) => {
    if (!bench.peers.some((peer) => peer.name === "curl")) throw new Skipped("curl is not installed");
    const source = `${bench.files.dir}/large`;
    return await contestantsOf(
      able(bench, target, "serve").filter((peer) => peer.takesPuts),
      async (peer) => {
        const dir = Deno.makeTempDirSync({ dir: target.dir, prefix: "put-" });
        const server = await served(peer, dir, { scratch: bench.scratch(), writable: true }, stack);
        stack.defer(() => Deno.remove(dir, { recursive: true }));
        let round = 0;
        const run = async () => {
          // A new name each time: what is replaced has to be freed, which is not what is measured.
          const name = `large-${round}`;
          const args = ["-sSf", "-o", "/dev/null", "-H", "Expect:", "-T", source, server.url + name];
          const { value: seconds, serverPeak } = await timed({ path: "curl", args }, target, server);
          const bytes = Deno.statSync(`${dir}/${name}`).size;
          if (bytes !== bench.files.largeBytes) throw new Error(`${bytes} bytes were stored`);
          if (round++ === 0) compareFiles(source, `${dir}/${name}`);
          Deno.removeSync(`${dir}/${name}`);
          return { value: bytes / 1e6 / seconds, serverPeak };
        };
        return { run };
      },
    );
  },
};
