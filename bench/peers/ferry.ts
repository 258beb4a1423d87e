/** The program under test: the binary that FERRY_BIN names, else this checkout. */
import { startTalkingDaemon } from "../daemon.ts";
import { type CommandLine, runWell } from "../process.ts";
import type { Peer, ServeOptions } from "./peer.ts";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;

/** As the tasks of deno.json have it. */
const V8_FLAGS = "--v8-flags=--max-semi-space-size=2,--heap-growing-percent=50";

/** The name that starts the name of every variant of Ferry. */
export const FERRY = "ferry";

/** Ferry, as it is. */
export const ferry: Peer = {
  name: FERRY,
  servesFiles: true,
  propfind: true,
  takesPuts: true,
  jsonListing: { accept: "application/json" },
  faithful: true,
  version,
  serve,
  pull: (url, dir, { scratch }) => syncCommand(url, dir, scratch, "--quiet"),
  mirror: (url, dir, { scratch }) => syncCommand(url, dir, scratch, "--quiet", "--delete"),
  pullCounted: (url, dir, { scratch }) => ({
    command: syncCommand(url, dir, scratch, "--json"),
    bytes: (stdout) => {
      const { bytes_sent, bytes_received } = JSON.parse(stdout.trim().split("\n").at(-1)!);
      return bytes_sent + bytes_received;
    },
  }),
  push: (dir, url, { scratch }) => syncCommand(dir, url, scratch, "--quiet"),
  recurse: (url, dir, { scratch }) =>
    command(["request", "--recursive", url, "--output-dir", dir, "--quiet"], scratch),
  getMany: ({ url, names }, dir, { scratch }) => {
    const input = `${scratch}/urls`;
    Deno.writeTextFileSync(input, names.map((name) => `${url}${name}\n`).join(""));
    return command(["request", "--input", input, "--output-dir", dir, "--quiet"], scratch);
  },
  get: (url, file) => command(["request", url, "-o", file, "--quiet"]),
  getSegments: (url, file, segments) =>
    command(["request", url, "-o", file, "--segments", `${segments}`, "--quiet"]),
  show: (url, { scratch }) => command(["request", url], scratch),
  checkNothingToDo: async (url, dir, { scratch }) => {
    const { stdout } = await runWell(syncCommand(url, dir, scratch, "--json"));
    const changes = stdout.split("\n").filter((line) => line.includes('"event":"change"'));
    if (changes.length > 0) throw new Error(`a run with nothing to do made changes: ${changes[0]}`);
  },
};

/** Ferry with rsync's promise: it does not wait for the disk. */
export const ferryNoFsync: Peer = {
  name: `${FERRY} --no-fsync`,
  faithful: true,
  diskOnly: true,
  version,
  serve,
  pull: (url, dir, { scratch }) => syncCommand(url, dir, scratch, "--quiet", "--no-fsync"),
  push: (dir, url, { scratch }) => syncCommand(dir, url, scratch, "--quiet", "--no-fsync"),
};

/** Ferry with as many workers as nginx has. */
export const ferryWorkers: Peer = {
  name: `${FERRY} --workers 2`,
  servesFiles: true,
  faithful: true,
  version,
  serve: (dir, options) => serve(dir, options, ["--workers", "2"]),
};

/** A run of `ferry sync`. */
export function syncCommand(from: string, to: string, scratch: string, ...more: string[]): CommandLine {
  return command(["sync", from, to, ...more], scratch);
}

/** The last event of a run with `--json`. */
export function summaryOf(stdout: string): { ms: number; bytes_sent: number; bytes_received: number } {
  return JSON.parse(stdout.trim().split("\n").at(-1)!);
}

async function version(): Promise<string> {
  const said = (await runWell(command(["--version"]))).stdout.trim();
  return `${said.replace(/^ferry /, "")} (${Deno.env.get("FERRY_BIN") ? "binary" : "from source"})`;
}

function serve(dir: string, options: ServeOptions, more: readonly string[] = []) {
  const args = ["serve", dir, "--port", "0", "--json", "--log", "none", ...more];
  if (options.writable) args.push("--writable");
  return startTalkingDaemon(command(args, options.scratch), listeningUrl);
}

/** The URL of the `listening` event, once its line is whole. */
function listeningUrl(stdout: string): string | null {
  for (const line of stdout.split("\n").slice(0, -1)) {
    try {
      const event = JSON.parse(line);
      if (event.event === "listening") return String(event.url);
    } catch {
      // Not an event.
    }
  }
  return null;
}

function command(args: readonly string[], scratch?: string): CommandLine {
  const bin = Deno.env.get("FERRY_BIN");
  const env = scratch === undefined ? undefined : { XDG_STATE_HOME: scratch };
  if (bin) return { path: bin.includes("/") ? Deno.realPathSync(bin) : bin, args, env };
  return {
    path: Deno.execPath(),
    args: ["run", "-A", "--no-prompt", "--no-check", "--quiet", V8_FLAGS, MAIN, ...args],
    env,
  };
}
