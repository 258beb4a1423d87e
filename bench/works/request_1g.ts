import { compareFiles } from "../tree.ts";
import { able, contestantsOf, served, timed } from "./trees.ts";
import { Skipped, type Work } from "./work.ts";

/** One large file into a file, from one and the same server: nginx where it is installed. */
export const request1g: Work = {
  name: "request-1g",
  about: "one large file into a file, all from one server (nginx, else Ferry)",
  unit: "MB/s",
  writes: true,
  against: ["curl"],
  prepare: async (bench, target, stack) => {
    const servers = able(bench, target, "serve").filter((peer) => peer.servesFiles);
    const source = servers.find((peer) => peer.name === "nginx") ?? servers[0];
    if (source === undefined) throw new Skipped("there is no server to fetch from");
    const server = await served(source, bench.files.dir, { scratch: bench.scratch() }, stack);
    return await contestantsOf(able(bench, { kind: "tmpfs", dir: target.dir }, "get"), (peer) => {
      let round = 0;
      const run = async () => {
        const dir = Deno.makeTempDirSync({ dir: target.dir, prefix: "request-" });
        try {
          const get = peer.get(`${server.url}large`, `${dir}/large`);
          const { value: seconds, clientPeak } = await timed(get, target, server);
          const bytes = Deno.statSync(`${dir}/large`).size;
          if (bytes !== bench.files.largeBytes) throw new Error(`${bytes} bytes arrived`);
          if (round++ === 0) compareFiles(`${bench.files.dir}/large`, `${dir}/large`);
          return { value: bytes / 1e6 / seconds, clientPeak };
        } finally {
          await Deno.remove(dir, { recursive: true });
        }
      };
      return { run };
    });
  },
};
