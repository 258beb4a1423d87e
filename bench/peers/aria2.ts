/** aria2, fetching one file by several connections. */
import { firstLine } from "../process.ts";
import type { Peer } from "./peer.ts";

export const aria2: Peer = {
  name: "aria2",
  faithful: false,
  version: async () => {
    const said = await firstLine("aria2c", ["--version"]);
    return said && said.replace(/^aria2 version /, "");
  },
  getSegments: (url, file, segments) => {
    const cut = file.lastIndexOf("/");
    const name = ["-d", file.slice(0, cut), "-o", file.slice(cut + 1)];
    // As the others, without writing the whole file with zeros first.
    return {
      path: "aria2c",
      args: ["-q", `-x${segments}`, `-s${segments}`, "--file-allocation=none", ...name, url],
    };
  },
};
