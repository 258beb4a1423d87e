import { run as runCommand } from "../process.ts";
import { putMany } from "../put_many.ts";
import { MOST_MEMORY } from "./get_hot.ts";
import { able, clear, contestantsOf, served } from "./trees.ts";
import type { Work } from "./work.ts";

const FILES = 10_000;
const BYTES = 4096;
const CONNECTIONS = 16;

/** Many small files into a server. */
export const put10000: Work = {
  name: "put-10000",
  about: "PUT of 10,000 files of 4 KB over 16 connections that stay open",
  unit: "s",
  writes: true,
  against: ["rclone webdav", "nginx", "dufs"],
  goal: [
    { against: "rclone webdav", most: 1.0, memory: MOST_MEMORY },
    { against: "nginx", most: 1.0 },
  ],
  prepare: async (bench, target, stack) =>
    await contestantsOf(
      able(bench, target, "serve").filter((peer) => peer.takesPuts),
      async (peer) => {
        const dir = Deno.makeTempDirSync({ dir: target.dir, prefix: "puts-" });
        const server = await served(peer, dir, { scratch: bench.scratch(), writable: true }, stack);
        stack.defer(() => Deno.remove(dir, { recursive: true }));
        let round = 0;
        const run = async () => {
          const prefix = `round-${round++}`;
          Deno.mkdirSync(`${dir}/${prefix}`);
          if (target.kind === "disk") {
            await runCommand({ path: "sync", args: ["-f", target.dir] }).catch(() => null);
          }
          const files = bench.smoke ? FILES / 10 : FILES;
          const seconds = await putMany(server.url, `/${prefix}/`, {
            files,
            bytes: BYTES,
            connections: CONNECTIONS,
          });
          const stored = [...Deno.readDirSync(`${dir}/${prefix}`)];
          const whole = stored.filter(({ name }) => Deno.statSync(`${dir}/${prefix}/${name}`).size === BYTES);
          if (whole.length !== files) throw new Error(`${whole.length} of ${files} files were stored`);
          await clear(`${dir}/${prefix}`, target, stack);
          return { value: seconds * FILES / files, serverPeak: server.peakMemory() };
        };
        return { run };
      },
    ),
};
