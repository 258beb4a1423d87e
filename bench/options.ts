/** The flags of the bench, what there is to choose from, and its help. */
import { EXIT_MEANINGS } from "../lib/cli/exit_codes.ts";
import { type Flag, type FlagTable, type FlagValues, parseFlags } from "../lib/cli/flags.ts";
import { FerryError } from "../lib/core/errors.ts";
import { cacheFolder } from "./corpus.ts";
import { aria2 } from "./peers/aria2.ts";
import { caddy } from "./peers/caddy.ts";
import { curl } from "./peers/curl.ts";
import { ferry, ferryNoFsync, ferryWorkers } from "./peers/ferry.ts";
import { dufs } from "./peers/dufs.ts";
import { httpie } from "./peers/httpie.ts";
import { miniserve } from "./peers/miniserve.ts";
import { nginx, nginxDavExt } from "./peers/nginx.ts";
import type { Peer } from "./peers/peer.ts";
import { rclone, rcloneWebdav } from "./peers/rclone.ts";
import { rsync, rsyncFsync, rsyncZ } from "./peers/rsync.ts";
import { wget } from "./peers/wget.ts";
import { changed100 } from "./works/changed_100.ts";
import { deltaWorks } from "./works/delta.ts";
import { get1g } from "./works/get_1g.ts";
import { hotWorks } from "./works/get_hot.ts";
import { manyWorks } from "./works/get_many.ts";
import { idle5000 } from "./works/idle_5000.ts";
import { listingWorks } from "./works/list_10000.ts";
import { liveWorks } from "./works/live_again.ts";
import { pull4g } from "./works/pull_4g.ts";
import { pullAgain } from "./works/pull_again.ts";
import { pullCold } from "./works/pull_cold.ts";
import { propfindWorks } from "./works/propfind_10000.ts";
import { put10000 } from "./works/put_10000.ts";
import { put1g } from "./works/put_1g.ts";
import { pushCold } from "./works/push_cold.ts";
import { renamed } from "./works/renamed.ts";
import { request1g, request1gPipe } from "./works/request_1g.ts";
import { request20000Works } from "./works/request_20000.ts";
import { request1k } from "./works/request_1k.ts";
import { requestRecursive } from "./works/request_recursive.ts";
import { segments1g } from "./works/segments_1g.ts";
import type { Work } from "./works/work.ts";

const WORKS: readonly Work[] = [
  pullCold,
  pullAgain,
  changed100,
  renamed,
  pull4g,
  ...liveWorks,
  pushCold,
  ...hotWorks,
  ...manyWorks,
  get1g,
  put1g,
  put10000,
  ...listingWorks,
  ...propfindWorks,
  idle5000,
  request1k,
  request1g,
  request1gPipe,
  segments1g,
  ...request20000Works,
  requestRecursive,
  ...deltaWorks,
];
const PEERS: readonly Peer[] = [
  ferry,
  ferryNoFsync,
  ferryWorkers,
  rsync,
  rsyncFsync,
  rsyncZ,
  rclone,
  rcloneWebdav,
  nginx,
  nginxDavExt,
  caddy,
  dufs,
  miniserve,
  curl,
  aria2,
  httpie,
  wget,
];

const FLAGS = {
  rounds: {
    type: "integer",
    value: "N",
    min: 1,
    max: 100,
    about: "rounds a work (default 5; 1 with --smoke)",
  },
  target: {
    type: "string",
    value: "WHERE",
    choices: ["tmpfs", "disk", "both"],
    about: "where results are written: tmpfs, disk or both (default both; tmpfs with --smoke)",
  },
  only: { type: "string", value: "NAME[,NAME]", about: "only these works" },
  peers: { type: "string", value: "NAME[,NAME]", about: "only these programs" },
  smoke: { type: "boolean", about: "a small corpus, one round, within a minute" },
  json: {
    type: "string",
    value: "FILE",
    about: "write every sample to FILE; - is stdout, without the tables",
  },
  help: { type: "boolean", short: "h", about: "show this help" },
} as const satisfies FlagTable;

export interface Choice {
  flags: FlagValues<typeof FLAGS>;
  works: Work[];
  peers: Peer[];
}

/** Reads the command line; throws `usage` when it is wrong. */
export function readOptions(argv: readonly string[]): Choice {
  const { flags, args } = parseFlags(argv, FLAGS);
  if (args.length > 0) throw new FerryError("usage", `unexpected argument ${args[0]}`);
  return { flags, works: pick("only", flags.only, WORKS), peers: pick("peers", flags.peers, PEERS) };
}

function pick<T extends { name: string }>(flag: string, names: string | undefined, all: readonly T[]): T[] {
  if (names === undefined) return [...all];
  return names.split(",").map((name) => {
    const found = all.find((one) => one.name === name);
    if (found) return found;
    throw new FerryError("usage", `--${flag} ${name}: must be of ${all.map((one) => one.name).join(", ")}`);
  });
}

/** The text of `--help`. */
export function help(): string {
  const left = (name: string, flag: Flag) =>
    `  ${flag.short ? `-${flag.short}, ` : "    "}--${name}${flag.value ? " " + flag.value : ""}`.padEnd(30);
  const width = Math.max(...WORKS.map(({ name }) => name.length)) + 2;
  return [
    "Does the same work with Ferry and with the peers that are installed, in turn, and prints a table.",
    "FERRY_BIN names the binary to measure; without it, this checkout runs from source.\n",
    "Usage:\n  deno task bench [--smoke] [--rounds N] [--target WHERE] [--only NAME[,NAME]]\n",
    "Flags:",
    ...Object.entries(FLAGS).map(([name, flag]) => left(name, flag) + flag.about),
    "\nWorks:",
    ...WORKS.map((work) => `  ${work.name.padEnd(width)}${work.about}`),
    `\nPrograms: ${PEERS.map((peer) => peer.name).join(", ")}`,
    `The corpus is kept in ${cacheFolder()}.`,
    `\nExit status:\n  0  ${
      EXIT_MEANINGS[0]
    }\n  1  Ferry failed at a work, or something did not arrive as it was sent`,
    `  2  ${EXIT_MEANINGS[2]}`,
  ].join("\n");
}
