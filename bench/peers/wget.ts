/** wget, mirroring a folder. */
import { firstLine } from "../process.ts";
import type { Peer } from "./peer.ts";

export const wget: Peer = {
  name: "wget",
  faithful: false,
  rounds: 2,
  version: async () => {
    const said = await firstLine("wget", ["--version"]);
    return said && said.replace(/^GNU Wget (\S+).*$/, "$1");
  },
  recurse: (url, dir) => ({
    path: "wget",
    args: ["-q", "-m", "-np", "-nH", "-e", "robots=off", "-P", dir, url],
  }),
};
