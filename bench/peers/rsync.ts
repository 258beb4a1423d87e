/** rsync against its own daemon. */
import { freePort, startDaemon } from "../daemon.ts";
import { firstLine, run } from "../process.ts";
import type { Peer, ServeOptions } from "./peer.ts";

/** rsync as people use it, and rsync waiting for the disk as Ferry does. */
export const rsync: Peer = rsyncWith("rsync", []);
export const rsyncFsync: Peer = {
  ...rsyncWith("rsync --fsync", ["--fsync"]),
  diskOnly: true,
  rounds: 2,
  version: async () => {
    const said = await version();
    // Came with rsync 3.2.4.
    return said && (await run({ path: "rsync", args: ["--help"] })).stdout.includes("--fsync") ? said : null;
  },
};

/** rsync with compression, where bytes are counted. */
export const rsyncZ: Peer = {
  name: "rsync -z",
  faithful: true,
  version,
  serve,
  pullCounted: counted("-z"),
};

function rsyncWith(name: string, flags: readonly string[]): Peer {
  return {
    name,
    faithful: true,
    version,
    serve,
    pull: (url, dir) => ({ path: "rsync", args: ["-a", ...flags, url, dir + "/"] }),
    mirror: (url, dir) => ({ path: "rsync", args: ["-a", "--delete", ...flags, url, dir + "/"] }),
    ...(flags.length === 0 ? { pullCounted: counted() } : {}),
    push: (dir, url) => ({ path: "rsync", args: ["-a", ...flags, dir + "/", url] }),
  };
}

function counted(...flags: string[]): Peer["pullCounted"] {
  return (url, dir) => ({
    command: { path: "rsync", args: ["-a", "--stats", ...flags, url, dir + "/"] },
    bytes: (stdout) =>
      [...stdout.matchAll(/^Total bytes (?:sent|received): ([\d,]+)/gm)]
        .reduce((sum, [, digits]) => sum + Number(digits.replaceAll(",", "")), 0),
  });
}

async function version(): Promise<string | null> {
  const said = await firstLine("rsync", ["--version"]);
  return said && (/version (\S+)/.exec(said)?.[1] ?? said);
}

function serve(dir: string, options: ServeOptions) {
  const port = freePort();
  const config = `${options.scratch}/rsyncd.conf`;
  Deno.writeTextFileSync(
    config,
    [
      "use chroot = no",
      "reverse lookup = no",
      // Without a chroot a daemon would prefix the links it stores, and the tree would not be the same.
      "munge symlinks = no",
      `log file = ${options.scratch}/rsyncd.log`,
      // Started as root, the daemon would become nobody and could not write.
      ...(Deno.uid() === 0 ? ["uid = 0", "gid = 0"] : []),
      "[mod]",
      `path = ${dir}`,
      `read only = ${options.writable ? "no" : "yes"}`,
      "",
    ].join("\n"),
  );
  const args = ["--daemon", "--no-detach", "--address=127.0.0.1", `--port=${port}`, `--config=${config}`];
  return startDaemon({ path: "rsync", args }, `rsync://127.0.0.1:${port}/mod/`);
}
