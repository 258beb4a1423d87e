/** `deno task bench`: the same work done by Ferry and by its peers, side by side. */
import { formatMs } from "../lib/cli/units.ts";
import { exitStatus, FerryError } from "../lib/core/errors.ts";
import { corpusFolder, writeLargeFile } from "./corpus.ts";
import { header } from "./header.ts";
import { help, readOptions } from "./options.ts";
import type { Peer } from "./peers/peer.ts";
import { makePlaces, roomFor } from "./places.ts";
import { firstLine, runWell, stopAll } from "./process.ts";
import { runWork } from "./rounds.ts";
import { goalTable, resultTable, type Row } from "./table.ts";
import { measureTree } from "./tree.ts";
import type { Bench, Target, Work } from "./works/work.ts";

const LARGE_BYTES = 1_000_000_000;
const SMALL_LARGE_BYTES = 100_000_000;
/**
 * At most so many copies of the tree exist in memory at once: the source, one for each program in pull-again, one being
 * removed. On a disk each round of a work leaves one until the end.
 */
const TREE_COPIES = 6;

function say(text: string): void {
  console.error(`bench: ${text}`);
}

async function main(argv: readonly string[]): Promise<number> {
  const { flags, works, peers: wanted } = readOptions(argv);
  if (flags.help) {
    console.log(help());
    return 0;
  }

  const peers: Peer[] = [];
  const versions: [string, string][] = [];
  for (const peer of wanted) {
    const version = await peer.version();
    if (version === null) say(`${peer.name} is not to be had here: skipped`);
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
    await stopAll();
    await places.remove();
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
  Deno.writeFileSync(`${files}/small10`, crypto.getRandomValues(new Uint8Array(10 * 1024)));
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

if (import.meta.main) {
  let interrupted = 0;
  for (const [signal, status] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
    Deno.addSignalListener(signal, () => {
      interrupted = status;
      // Whatever is awaited fails then, and main() cleans up on its way out.
      stopAll();
    });
  }
  try {
    Deno.exit(await main(Deno.args));
  } catch (error) {
    if (interrupted > 0) Deno.exit(interrupted);
    say(error instanceof FerryError ? error.message : `${error instanceof Error ? error.stack : error}`);
    Deno.exit(exitStatus(error));
  }
}
