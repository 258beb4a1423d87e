/** HTTPie, fetching one file. */
import { firstLine } from "../process.ts";
import type { Peer } from "./peer.ts";

export const httpie: Peer = {
  name: "httpie",
  faithful: false,
  version: () => firstLine("http", ["--version"]),
  show: (url, { scratch }) => ({
    path: "http",
    args: ["--ignore-stdin", "--body", "GET", url],
    env: { HTTPIE_CONFIG_DIR: scratch },
  }),
};
