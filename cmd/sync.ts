import { defineCommand } from "../lib/cli/command.ts";
import { formatTime } from "../lib/cli/units.ts";
import { FerryError } from "../lib/core/errors.ts";
import { FLAGS } from "./sync_flags.ts";
import { exitOf, failed, prepare } from "./sync_run.ts";

export const sync = defineCommand({
  name: "sync",
  summary: "Make DST hold what SRC holds.",
  usage: ["sync [flags] SRC DST"],
  args: { min: 2, max: 2, operand: { kind: "folder" } },
  flags: FLAGS,
  flagFile: true,
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
    "With --every and --cron one run at a time goes on in the foreground: what falls due meanwhile is left out. A run " +
    "of --every starts up to a tenth of the interval late, 30 s at most, so that many machines do not come at once. " +
    "After failures in a row the pauses double, up to 15 minutes; wrong usage ends the program. Each run ends with a " +
    "summary that begins with the time, which -q leaves with the problems.",
    "What was renamed or copied in SRC moves no content: DST renames (with --delete) or copies what it has, once the " +
    "SHA-256 of both sides agree. --max-delete does not count what moved.",
    "One line a change: `+ path` new, `~ path` changed, `- path` deleted, `> old -> new` moved, `! path: why` failed; " +
    "then a summary.",
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
    {
      run: "ferry sync --cron '*/15 2-5 * * *' SRC DST",
      about: "every quarter of an hour, from two to six at night",
    },
    { run: "ferry sync --json SRC DST | jq 'select(.event==\"problem\")'", about: "only what went wrong" },
  ],
  environment: [
    { name: "FERRY_TOKEN", about: "the token where --token gives none" },
    {
      name: "XDG_STATE_HOME",
      about: "where the state of folders is kept that are only read, in its folder ferry",
    },
    { name: "NO_COLOR", about: "no colours when it is not empty" },
    { name: "TZ", about: "the time zone of --cron" },
  ],
  exits: [0, 1, 2, 3, 6, 7, 18, 22, 23, 26, 28, 35, 41, 42, 60, 67, 130, 143],

  async run(parsed, io) {
    const { flags } = parsed;
    const once = await prepare(parsed, io);
    if (flags.every === undefined && flags.cron === undefined) return await once();
    if (flags.force) {
      throw new FerryError("usage", "--force is for one run; it cannot go with --every or --cron");
    }
    const { parseSchedule, timeZone } = await import("../lib/sync/schedule.ts");
    const { repeat } = await import("../lib/sync/repeat.ts");
    const schedule = parseSchedule(flags, { zone: () => timeZone(io.env("TZ")) });
    return await repeat(schedule, {
      run: (started) =>
        once({ started, exitOf: (error) => exitOf(error, io) }).catch((error) => failed(error, io)),
      waiting: (until, ending) => {
        if (flags.quiet || (ending === "done" && !flags.verbose)) return;
        io.err(`ferry: next run at ${formatTime(until)}\n`);
      },
      stop: io.stop,
    });
  },
});
