/** `deno task bench`: the same work done by Ferry and by its peers, side by side. */
import { EXIT_MEANINGS } from "../lib/cli/exit_codes.ts";
import { type FlagTable, parseFlags } from "../lib/cli/flags.ts";
import { formatMs } from "../lib/cli/units.ts";
import { exitStatus, FerryError } from "../lib/core/errors.ts";
import { cacheFolder, corpusFolder, writeLargeFile } from "./corpus.ts";
import { header } from "./header.ts";
import { caddy } from "./peers/caddy.ts";
import { curl } from "./peers/curl.ts";
import { ferry, ferryNoFsync } from "./peers/ferry.ts";
import { nginx } from "./peers/nginx.ts";
import type { Peer } from "./peers/peer.ts";
import { rclone } from "./peers/rclone.ts";
import { rsync, rsyncFsync } from "./peers/rsync.ts";
import { makePlaces, type Places, roomFor } from "./places.ts";
import { firstLine, runWell, stopAll } from "./process.ts";
import { runWork } from "./rounds.ts";
import { goalTable, resultTable, type Row } from "./table.ts";
import { measureTree } from "./tree.ts";
import { get1g } from "./works/get_1g.ts";
import { get1k } from "./works/get_1k.ts";
import { pullAgain } from "./works/pull_again.ts";
import { pullCold } from "./works/pull_cold.ts";
import { pushCold } from "./works/push_cold.ts";
import { request1g } from "./works/request_1g.ts";
import type { Bench, Target, Work } from "./works/work.ts";

const WORKS: readonly Work[] = [pullCold, pullAgain, pushCold, get1k, get1g, request1g];
const PEERS: readonly Peer[] = [ferry, ferryNoFsync, rsync, rsyncFsync, rclone, nginx, caddy, curl];

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

const LARGE_BYTES = 1_000_000_000;
const SMALL_LARGE_BYTES = 100_000_000;
/** At most so many copies of the tree exist at once: the source, one for each program in pull-again, one being removed. */
const TREE_COPIES = 6;

function say(text: string): void {
  console.error(`bench: ${text}`);
}

async function main(argv: readonly string[]): Promise<number> {
  const { flags, args } = parseFlags(argv, FLAGS);
  if (flags.help) {
    console.log(help());
    return 0;
  }
  if (args.length > 0) throw new FerryError("usage", `unexpected argument ${args[0]}`);
  const works = pick("only", flags.only, WORKS);
  const wanted = pick("peers", flags.peers, PEERS);

  const peers: Peer[] = [];
  const versions: [string, string][] = [];
  for (const peer of wanted) {
    const version = await peer.version();
    if (version === null) say(`${peer.name} is not installed here: skipped`);
    else {
      peers.push(peer);
      if (!peer.diskOnly) versions.push([peer.name, version]);
    }
  }
  const wrk = await firstLine("wrk", ["-v"]);
  if (wrk !== null) versions.push(["wrk", /(\d\S*)/.exec(wrk)?.[1] ?? wrk]);

  const corpusName = flags.smoke ? "small" : "full";
  const cached = await corpusFolder(corpusName, say);
  const size = measureTree(cached);
  say(`corpus: ${size.files} files, ${size.bytes} bytes, ${size.folders} folders, ${size.links} links`);
  const largeBytes = flags.smoke ? SMALL_LARGE_BYTES : LARGE_BYTES;
  const needed = TREE_COPIES * (size.bytes + 4096 * (size.files + size.folders)) + 2 * largeBytes;
  const places = makePlaces(targets(flags.target, flags.smoke, needed), needed);
  const quit = () => void cleanUp(places).then(() => Deno.exit(130));
  Deno.addSignalListener("SIGINT", quit);
  Deno.addSignalListener("SIGTERM", quit);
  try {
    const sources = await makeSources(cached, places.sources, largeBytes);
    const bench: Bench = {
      peers,
      corpus: { dir: sources.corpus, size },
      files: { dir: sources.files, largeBytes },
      wrk: wrk !== null,
      smoke: flags.smoke,
      scratch: places.scratch,
      say,
    };
    const rounds = flags.rounds ?? (flags.smoke ? 1 : 5);
    const rows: Row[] = [];
    let failures = 0;
    for (const work of works) {
      // What writes nothing is done once, wherever that is.
      for (const target of work.writes ? places.targets : places.targets.slice(0, 1)) {
        const began = performance.now();
        const outcome = await runWork(work, target, bench, rounds);
        rows.push(...outcome.rows);
        failures += outcome.failures;
        say(`${work.name} on ${target.kind}: ${formatMs(performance.now() - began)} in all`);
      }
    }
    const about = header({ versions, size, corpusName, largeBytes, targets: places.targets, works });
    report(flags.json, rows, about, works);
    if (failures > 0) say(`${failures} failed`);
    return failures > 0 ? 1 : 0;
  } finally {
    Deno.removeSignalListener("SIGINT", quit);
    Deno.removeSignalListener("SIGTERM", quit);
    await cleanUp(places);
  }
}

/** Where to write. A hurried run takes the disk when there is no room in memory, as in a small container. */
function targets(target: string | undefined, smoke: boolean, needed: number): Target["kind"][] {
  if (target === "tmpfs" || target === "disk") return [target];
  if (!smoke || target === "both") return ["tmpfs", "disk"];
  if (roomFor("tmpfs") >= needed) return ["tmpfs"];
  say("too little room in /dev/shm: onto disk instead");
  return ["disk"];
}

async function makeSources(cached: string, dir: string, largeBytes: number) {
  const corpus = `${dir}/corpus`, files = `${dir}/files`;
  await runWell({ path: "cp", args: ["-a", cached, corpus] });
  Deno.mkdirSync(files);
  Deno.writeFileSync(`${files}/small`, crypto.getRandomValues(new Uint8Array(1024)));
  writeLargeFile(`${files}/large`, largeBytes);
  return { corpus, files };
}

function report(json: string | undefined, rows: readonly Row[], about: string, works: readonly Work[]): void {
  const samples = rows.map((row) => JSON.stringify(row) + "\n").join("");
  if (json === "-") return console.log(samples.trimEnd());
  if (json !== undefined) Deno.writeTextFileSync(json, samples);
  const goals = goalTable(rows, works);
  console.log([about, resultTable(rows, works), ...goals ? [goals] : []].join("\n").trimEnd());
}

async function cleanUp(places: Places): Promise<void> {
  await stopAll();
  await places.remove();
}

function pick<T extends { name: string }>(flag: string, names: string | undefined, all: readonly T[]): T[] {
  if (names === undefined) return [...all];
  return names.split(",").map((name) => {
    const found = all.find((one) => one.name === name);
    if (found) return found;
    throw new FerryError("usage", `--${flag} ${name}: must be of ${all.map((one) => one.name).join(", ")}`);
  });
}

function help(): string {
  const left = (name: string, value?: string) => `  --${name}${value ? " " + value : ""}`.padEnd(26);
  return [
    "Does the same work with Ferry and with the peers that are installed, in turn, and prints a table.",
    "FERRY_BIN names the binary to measure; without it, this checkout runs from source.\n",
    "Usage:\n  deno task bench [--smoke] [--rounds N] [--target WHERE] [--only NAME[,NAME]]\n",
    "Flags:",
    ...Object.entries(FLAGS).map(([name, flag]) =>
      left(name, "value" in flag ? flag.value : undefined) + flag.about
    ),
    "\nWorks:",
    ...WORKS.map((work) => `  ${work.name.padEnd(14)}${work.about}`),
    `\nPrograms: ${PEERS.map((peer) => peer.name).join(", ")}`,
    `The corpus is kept in ${cacheFolder()}.`,
    `\nExit status:\n  0  ${
      EXIT_MEANINGS[0]
    }\n  1  Ferry failed at a work, or something did not arrive as it was sent`,
    `  2  ${EXIT_MEANINGS[2]}`,
  ].join("\n");
}

if (import.meta.main) {
  try {
    Deno.exit(await main(Deno.args));
  } catch (error) {
    say(error instanceof FerryError ? error.message : `${error instanceof Error ? error.stack : error}`);
    Deno.exit(exitStatus(error));
  }
}
