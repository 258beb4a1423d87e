/** miniserve. */
import { freePort, startDaemon } from "../daemon.ts";
import { firstLine } from "../process.ts";
import type { Peer } from "./peer.ts";

export const miniserve: Peer = {
  name: "miniserve",
  faithful: false,
  servesFiles: true,
  version: async () => {
    const said = await firstLine("miniserve", ["--version"]);
    return said && said.replace(/^miniserve /, "");
  },
  serve: (dir) => {
    const port = freePort();
    return startDaemon(
      { path: "miniserve", args: ["--interfaces", "127.0.0.1", "--port", String(port), dir] },
      `http://127.0.0.1:${port}/`,
    );
  },
};
