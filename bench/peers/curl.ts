/** curl, fetching one file. */
import { firstLine } from "../process.ts";
import type { Peer } from "./peer.ts";

export const curl: Peer = {
  name: "curl",
  faithful: false,
  version: async () => {
    const said = await firstLine("curl", ["--version"]);
    return said && said.split(" ")[1];
  },
  get: (url, file) => ({ path: "curl", args: ["-sSf", "-o", file, url] }),
  show: (url) => ({ path: "curl", args: ["-sSf", url] }),
};
