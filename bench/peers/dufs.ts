/** dufs, the file server nearest to Ferry. */
import { freePort, startDaemon } from "../daemon.ts";
import { firstLine } from "../process.ts";
import type { Peer } from "./peer.ts";

export const dufs: Peer = {
  name: "dufs",
  faithful: false,
  servesFiles: true,
  propfind: true,
  takesPuts: true,
  jsonListing: { query: "?json" },
  version: async () => {
    const said = await firstLine("dufs", ["--version"]);
    return said && said.replace(/^dufs /, "");
  },
  serve: (dir, { writable }) => {
    const port = freePort();
    // An empty format is no log.
    const args = ["--bind", "127.0.0.1", "--port", String(port), "--log-format", "", dir];
    if (writable) args.unshift("--allow-all");
    return startDaemon({ path: "dufs", args }, `http://127.0.0.1:${port}/`);
  },
};
