/** One run of `ferry sync`, as its command line asks for it. */
import { type Io, isLive, type StopReason } from "../lib/cli/io.ts";
import { hideArguments, passwordsIn } from "../lib/cli/process_title.ts";
import { ProgressMeter } from "../lib/cli/progress.ts";
import { besideProgress, ProgressDisplay } from "../lib/cli/progress_display.ts";
import { formatTime } from "../lib/cli/units.ts";
import { isToken } from "../lib/client/credentials/credentials.ts";
import { exitStatus, FerryError, quote } from "../lib/core/errors.ts";
import { LocalStore } from "../lib/store/local.ts";
import { RemoteStore } from "../lib/store/remote/remote_store.ts";
import { stateHomeIfAny } from "../lib/store/state_dir.ts";
import type { Store } from "../lib/store/store.ts";
import type { Scheduled } from "../lib/sync/events.ts";
import { readFilterFlags } from "../lib/sync/filter_flags.ts";
import { checkApart, checkPresent, parseDeleteLimit } from "../lib/sync/guard.ts";
import { delegate } from "../lib/sync/job.ts";
import { makeLimits } from "../lib/sync/limits.ts";
import { checkFoldersApart, isLocal, placeOf, trashChoice } from "../lib/sync/place.ts";
import { jsonReport, type Report, textReport } from "../lib/sync/report.ts";
import { runSync } from "../lib/sync/run.ts";
import type { Summary } from "../lib/sync/summary.ts";
import { Tally } from "../lib/sync/tally.ts";
import type { JobOptions } from "../lib/wire/jobs.ts";
import type { SyncLine } from "./sync_flags.ts";

/** Lines are gathered for so long at most. */
const FLUSH_MS = 200;

/** Checks the line and gives what does a run by it, again and again if need be, with its exit status. */
export async function prepare(
  line: SyncLine,
  io: Io,
): Promise<(scheduled?: Scheduled) => Promise<number>> {
  const { flags, args: [from, to] } = line;
  const tokens = [flags.token, flags["src-token"], flags["dst-token"]].filter((token) => token !== undefined);
  hideArguments([...tokens.map((text) => ({ text, from: 0, to: text.length })), ...passwordsIn([from, to])]);
  const maxDelete = parseDeleteLimit(flags["max-delete"]);
  if (maxDelete === null) {
    throw new FerryError(
      "usage",
      `--max-delete ${quote(flags["max-delete"])}: must be a count or a percentage such as 50%`,
    );
  }
  const { include, exclude, "filter-from": filterFiles } = flags;
  const patterns = readFilterFlags({ include, exclude, from: filterFiles });
  const safety = { fsync: flags.fsync, trash: trashChoice(flags.trash, from, to) };
  const token = flags.token ?? (io.env("FERRY_TOKEN") || undefined);
  checkTokens(line);
  const pins = await pinsOf(line);
  const places = (err: Io["err"]) => {
    const warn = (line: string) => flags.quiet || err(`ferry: ${line}\n`);
    const { parallel, paces, pace } = makeLimits({ ...flags, local: isLocal(from) && isLocal(to) });
    const place = {
      pins,
      signal: io.stop,
      paces,
      safety,
      warn,
      stateHome: stateHomeIfAny(undefined, io.env),
    };
    const links = flags.links === "copy" ? "copy" : "keep";
    const source = placeOf(from, { token: flags["src-token"] ?? token, links, ...place });
    const destination = placeOf(to, { token: flags["dst-token"] ?? token, ...place });
    return { source, destination, parallel, pace };
  };
  // What is wrong with them is to be known now, not when the first run is due.
  const { source, destination } = places(io.err);
  source.close();
  destination.close();
  const color = flags.color && io.stdoutIsTerminal && !io.env("NO_COLOR");
  const dryRun = flags["dry-run"];

  return async (scheduled) => {
    const tally = new Tally();
    const { out, err, progress } = withProgress(line, io, tally);
    const { source, destination, parallel, pace } = places(err);
    const { delete: deletes, checksum, force } = flags;
    if (source instanceof LocalStore && destination instanceof LocalStore && !force) {
      checkFoldersApart(from, to);
    }
    const report = flags.json
      ? jsonReport(out, { dryRun, scheduled, tally })
      : textReport(out, err, { dryRun, scheduled, tally, color, quiet: flags.quiet });
    progress?.start();
    // Whoever reads along shall not have to wait for more lines.
    const flushing = setInterval(() => {
      try {
        report.flush();
      } catch {
        // The next line of the run meets it, and ends the run.
      }
    }, FLUSH_MS);
    try {
      const summary = await runSync({ source, destination }, report, {
        dryRun,
        delete: deletes,
        checksum,
        force,
        maxDelete,
        patterns,
        skipLinks: flags.links === "skip",
        parallel,
        pace,
        tally,
        signal: io.stop,
        elsewhere: () => delegated({ source, destination, patterns, report }, line, { err, stop: io.stop }),
      });
      report.done(summary);
      return summary.problems === 0 ? 0 : 1;
    } finally {
      clearInterval(flushing);
      progress?.stop();
      report.flush();
      source.close();
      destination.close();
    }
  };
}

/** Throws `usage` for a token that nobody would be shown, or that is none. */
function checkTokens({ flags, args: [from, to] }: SyncLine): void {
  for (
    const [flag, places, name] of [
      ["token", [from, to], "SRC and DST are"],
      ["src-token", [from], "SRC is"],
      ["dst-token", [to], "DST is"],
    ] as const
  ) {
    const token = flags[flag];
    if (token === undefined) continue;
    const wrong = (why: string) => new FerryError("usage", `--${flag}: ${why}`);
    if (places.every(isLocal)) throw wrong(`${name} on this machine; tokens are for servers`);
    if (!isToken(token)) throw wrong("is empty or has characters that no token has");
  }
}

/** The certificates to trust; undefined for the usual authorities. */
async function pinsOf({ flags, args }: SyncLine): Promise<string[] | undefined> {
  if (flags.pin.length === 0) return undefined;
  if (args.every(isLocal)) {
    throw new FerryError("usage", "--pin: SRC and DST are on this machine; pins are for servers");
  }
  const { readPins } = await import("../lib/client/pin/pin.ts");
  return readPins(flags.pin);
}

/** Where the lines of a run go, and what shows how far it is between them, where that is wanted. */
function withProgress({ flags }: SyncLine, io: Io, tally: Tally) {
  const live = isLive(io);
  if (!(flags.progress ?? (live && !flags.quiet))) return { out: io.out, err: io.err };
  const progress = new ProgressDisplay({
    write: io.err,
    columns: () => io.columns(),
    rows: () => io.rows(),
    meter: new ProgressMeter(() => tally.look()),
    live,
  });
  const { out, err } = besideProgress(io, progress);
  return { out, err, progress };
}

interface Sides {
  source: Store;
  destination: Store;
  patterns: string[];
  report: Report;
}

/** The run as DST's server does it; null where it does not. */
async function delegated(
  sides: Sides,
  { flags }: SyncLine,
  io: Pick<Io, "err" | "stop">,
): Promise<Summary | null> {
  const { source, destination, patterns, report } = sides;
  if (!(source instanceof RemoteStore) || !(destination instanceof RemoteStore)) return null;
  // A server has its own trust, and no pins.
  if (flags["via-client"] || flags.pin.length > 0) return null;
  if (!await destination.offersJobs(source.label)) {
    if (flags.verbose) {
      io.err(
        `ferry: ${destination.label} does not fetch from ${source.label} for this user (its --peer, or ` +
          `permission s); the contents pass through this machine\n`,
      );
    }
    return null;
  }
  const { checksum, force, bwlimit } = flags;
  if (!force) {
    await checkPresent([destination]);
    await checkApart(source, destination);
  }
  const options = {
    dryRun: flags["dry-run"],
    delete: flags.delete,
    checksum,
    force,
    maxDelete: flags["max-delete"],
    patterns,
    links: flags.links as JobOptions["links"],
    bwlimit,
    parallel: flags.parallel,
    fsync: flags.fsync,
    trash: flags.trash !== "none",
  };
  return await delegate({ source, destination, options, signal: io.stop }, report);
}

/** The exit status that a single run would end with after `error`. */
export function exitOf(error: unknown, io: Io): number {
  return io.stop.aborted ? (io.stop.reason as StopReason).status : exitStatus(error);
}

/** Tells of a run that failed, for which the next one may make up; anything else ends the program. */
export function failed(error: unknown, io: Io): number {
  if (io.stop.aborted || !(error instanceof FerryError)) throw error;
  io.err(`ferry: ${formatTime(new Date())} ${quote(error.message)}\n`);
  return exitStatus(error);
}
