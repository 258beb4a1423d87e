/** Caddy's file server. */
import { freePort, startDaemon } from "../daemon.ts";
import { firstLine } from "../process.ts";
import type { Peer } from "./peer.ts";

export const caddy: Peer = {
  name: "caddy",
  faithful: false,
  servesFiles: true,
  jsonListing: { accept: "application/json" },
  version: async () => {
    const said = await firstLine("caddy", ["version"]);
    return said && said.split(" ")[0].replace(/^v/, "");
  },
  serve: (dir, { scratch }) => {
    const port = freePort();
    const args = ["file-server", "--browse", "--listen", `127.0.0.1:${port}`, "--root", dir];
    const env = { XDG_DATA_HOME: scratch, XDG_CONFIG_HOME: scratch };
    return startDaemon({ path: "caddy", args, env }, `http://127.0.0.1:${port}/`);
  },
};
