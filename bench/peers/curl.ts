/** curl, fetching one file or many. */
import { firstLine } from "../process.ts";
import type { Peer } from "./peer.ts";

export const curl: Peer = {
  name: "curl",
  faithful: false,
  version: async () => {
    const said = await firstLine("curl", ["--version"]);
    return said && said.split(" ")[1];
  },
  getMany: ({ url, names }, dir, { scratch }) => {
    const config = `${scratch}/urls`;
    Deno.writeTextFileSync(config, names.map((name) => `url = "${url}${name}"\n`).join(""));
    const many = ["-Z", "--parallel-max", "16", "--remote-name-all", "--output-dir", dir];
    return { path: "curl", args: ["-sSf", ...many, "-K", config] };
  },
  get: (url, file) => ({ path: "curl", args: ["-sSf", "-o", file, url] }),
  show: (url) => ({ path: "curl", args: ["-sSf", url] }),
};
