import { defineCommand } from "../lib/cli/command.ts";
import { FerryError, quote } from "../lib/core/errors.ts";
import { parseDeleteLimit } from "../lib/sync/guard.ts";
import { readFilterFlags } from "../lib/sync/filter_flags.ts";
import { makeLimits } from "../lib/sync/limits.ts";
import { checkApart, isLocal, placeOf } from "../lib/sync/place.ts";
import { jsonReport, textReport } from "../lib/sync/report.ts";
import { runSync } from "../lib/sync/run.ts";
import type { JobOptions } from "../lib/wire/jobs.ts";
import { LocalStore } from "../lib/store/local.ts";
import { RemoteStore } from "../lib/store/remote.ts";
import { delegate } from "../lib/sync/job.ts";

export const sync = defineCommand({
  name: "sync",
  summary: "Make DST hold what SRC holds.",
  usage: ["sync [flags] SRC DST"],
  args: { min: 2, max: 2 },
  flags: {
    "dry-run": { type: "boolean", short: "n", about: "say what would be done and do nothing" },
    delete: { type: "boolean", about: "delete from DST what SRC does not have" },
    checksum: { type: "boolean", short: "c", about: "compare files by SHA-256 instead of size and time" },
    include: { type: "list", value: "GLOB", about: "take back what a filter leaves out" },
    exclude: { type: "list", value: "GLOB", about: "leave this out, a pattern as in .gitignore" },
    "filter-from": { type: "list", value: "FILE", about: "leave out what the patterns in FILE say" },
    links: {
      type: "string",
      choices: ["keep", "copy", "skip"],
      default: "keep",
      about: "keep symbolic links as links, copy what they lead to within SRC, or skip them",
    },
    "max-delete": {
      type: "string",
      value: "N|N%",
      default: "50%",
      about: "stop before a run that would delete more than this of DST's entries",
    },
    bwlimit: {
      type: "size",
      value: "SIZE",
      about: "move at most so many bytes a second, each way; between two folders, of content",
    },
    parallel: {
      type: "integer",
      value: "N",
      min: 1,
      max: 64,
      about: "transfers under way at a time (default 6; 2 with a --bwlimit below 4M)",
    },
    "via-client": {
      type: "boolean",
      about: "with two URLs, move the contents through this machine in any case",
    },
    force: { type: "boolean", about: "go on where a guard would stop, for this run" },
    token: { type: "string", value: "TOKEN", about: "bearer token for both servers (or FERRY_TOKEN)" },
    "src-token": { type: "string", value: "TOKEN", about: "bearer token for SRC's server" },
    "dst-token": { type: "string", value: "TOKEN", about: "bearer token for DST's server" },
  },
  notes: [
    "SRC and DST are each a local folder or the http(s):// URL of a folder on a `ferry serve`, " +
    "http://USER:PASSWORD@HOST/ to log in. The contents of SRC go into DST; a slash at the end changes nothing.",
    "With two URLs DST's server pulls from SRC's by itself, where its --peer names SRC's server and the user there may " +
    "start jobs (permission s); else the contents pass through this machine.",
    "Kept are bytes, modification times to the millisecond, permission bits, symbolic links as links, empty folders, " +
    "and every name that UTF-8 can spell, those that start with a dot among them. Each file is written beside its " +
    "place and renamed into it. Two files are the same when size and time are.",
    "A file .ferryignore in any folder of SRC says, as .gitignore does, what to leave out of it and of the folders in " +
    "it. Later patterns win: .ferryignore, those of inner folders after outer ones, then --filter-from, --exclude, and " +
    "--include last. What lies in a folder that is left out is left out with it. Whatever a filter hides, in SRC or in " +
    "DST, is neither copied nor changed nor deleted.",
    "One line a change: `+ path` new, `~ path` changed, `- path` deleted, `! path: why` failed; then a summary.",
  ],
  examples: [
    { run: "ferry sync ~/site http://files.example:8420/site/", about: "push a folder to a server" },
    {
      run: "ferry sync http://files.example:8420/ /srv/mirror --delete",
      about: "make an exact copy of a share",
    },
    { run: "ferry sync -n --delete SRC DST", about: "see what that would do" },
    { run: "ferry sync --exclude node_modules/ --exclude '*.log' SRC DST", about: "all but these" },
    { run: "ferry sync --exclude '*' --include '*/' --include '*.jpg' SRC DST", about: "only pictures" },
    { run: "ferry sync --json SRC DST | jq 'select(.event==\"problem\")'", about: "only what went wrong" },
  ],
  exits: [0, 1, 2, 3, 6, 7, 18, 22, 23, 26, 28, 35, 41, 42, 60, 67, 130, 143],

  async run({ flags, args: [from, to] }, io) {
    const maxDelete = parseDeleteLimit(flags["max-delete"]);
    if (maxDelete === null) {
      throw new FerryError(
        "usage",
        `--max-delete ${quote(flags["max-delete"])}: must be a count or a percentage such as 50%`,
      );
    }
    const { include, exclude, "filter-from": filterFiles } = flags;
    const patterns = readFilterFlags({ include, exclude, from: filterFiles });
    const token = flags.token ?? io.env("FERRY_TOKEN");
    const { parallel, paces, pace } = makeLimits({ ...flags, local: isLocal(from) && isLocal(to) });
    const place = { signal: io.stop, paces };
    const links = flags.links === "copy" ? "copy" : "keep";
    const source = placeOf(from, { token: flags["src-token"] ?? token, links, ...place });
    const destination = placeOf(to, { token: flags["dst-token"] ?? token, ...place });
    if (source instanceof LocalStore && destination instanceof LocalStore && !flags.force) {
      checkApart(from, to);
    }

    const color = flags.color && io.stdoutIsTerminal && !io.env("NO_COLOR");
    const dryRun = flags["dry-run"];
    const report = flags.json
      ? jsonReport(io.out, { dryRun })
      : textReport(io.out, io.err, { dryRun, color, quiet: flags.quiet });
    /** The run as DST's server does it; null where it does not. */
    const delegated = async () => {
      if (!(source instanceof RemoteStore) || !(destination instanceof RemoteStore)) return null;
      if (flags["via-client"]) return null;
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
      const options = {
        dryRun,
        delete: flags.delete,
        checksum,
        force,
        maxDelete: flags["max-delete"],
        patterns,
        links: flags.links as JobOptions["links"],
        bwlimit,
        parallel: flags.parallel,
      };
      return await delegate({ source, destination, options, signal: io.stop }, report);
    };
    try {
      const { delete: deletes, checksum, force } = flags;
      const summary = await delegated() ?? await runSync({ source, destination }, report, {
        dryRun,
        delete: deletes,
        checksum,
        force,
        maxDelete,
        patterns,
        skipLinks: flags.links === "skip",
        parallel,
        pace,
        signal: io.stop,
      });
      report.done(summary);
      return summary.problems === 0 ? 0 : 1;
    } finally {
      report.flush();
      source.close();
      destination.close();
    }
  },
});
