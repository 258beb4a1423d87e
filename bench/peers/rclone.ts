/** rclone's HTTP server and its HTTP backend. It skips links and keeps no permission bits. */
import { freePort, startDaemon } from "../daemon.ts";
import { type CommandLine, firstLine } from "../process.ts";
import type { Peer } from "./peer.ts";

export const rclone: Peer = {
  name: "rclone",
  faithful: false,
  rounds: 2,
  version: async () => {
    const said = await firstLine("rclone", ["version"]);
    return said && said.replace(/^rclone v?/, "");
  },
  serve: (dir, { scratch }) => {
    const port = freePort();
    const args = ["serve", "http", dir, "--addr", `127.0.0.1:${port}`, ...noConfig(scratch)];
    return startDaemon({ path: "rclone", args }, `http://127.0.0.1:${port}/`);
  },
  pull: (url, dir, { scratch }) => copy(url, dir, scratch),
  recurse: (url, dir, { scratch }) => copy(url, dir, scratch),
  show: (url, { scratch }) => {
    const slash = url.lastIndexOf("/") + 1;
    const args = [
      "cat",
      `:http:${url.slice(slash)}`,
      "--http-url",
      url.slice(0, slash),
      ...noConfig(scratch),
    ];
    return { path: "rclone", args };
  },
};

/** rclone's WebDAV server. */
export const rcloneWebdav: Peer = {
  name: "rclone webdav",
  faithful: false,
  takesPuts: true,
  propfind: true,
  version: rclone.version,
  serve: (dir, { scratch }) => {
    const port = freePort();
    const args = ["serve", "webdav", dir, "--addr", `127.0.0.1:${port}`, ...noConfig(scratch)];
    return startDaemon({ path: "rclone", args }, `http://127.0.0.1:${port}/`);
  },
};

function copy(url: string, dir: string, scratch: string): CommandLine {
  const args = ["copy", ":http:", dir, "--http-url", url, "--transfers", "16", ...noConfig(scratch)];
  return { path: "rclone", args };
}

/** Whatever the user has configured stays out of it. */
function noConfig(scratch: string): string[] {
  return ["--quiet", "--config", `${scratch}/rclone.conf`];
}
