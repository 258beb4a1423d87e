/** The flags of `ferry sync`. */
import type { COMMON_FLAGS } from "../lib/cli/command.ts";
import type { FlagTable, Parsed } from "../lib/cli/flags.ts";

export const FLAGS = {
  "dry-run": { type: "boolean", short: "n", about: "say what would be done and do nothing" },
  delete: { type: "boolean", about: "delete from DST what SRC does not have" },
  checksum: { type: "boolean", short: "c", about: "compare files by SHA-256 instead of size and time" },
  include: { type: "list", value: "GLOB", about: "take back what a filter leaves out" },
  exclude: { type: "list", value: "GLOB", about: "leave this out, a pattern as in .gitignore" },
  "filter-from": {
    type: "list",
    path: true,
    value: "FILE",
    about: "leave out what the patterns in FILE say",
  },
  links: {
    type: "string",
    value: "keep|copy|skip",
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
    about: "with two URLs, move the contents through this machine in any case, as with --pin",
  },
  progress: {
    type: "boolean",
    default: null,
    about: "show how far it is on stderr; the default on a terminal, but not with --quiet",
  },
  trash: {
    type: "string",
    value: "DIR|none",
    about: "keep what is replaced or deleted there, or nowhere (default: .ferry/trash in DST)",
  },
  fsync: {
    type: "boolean",
    default: true,
    about: "do not wait for the disk: a power cut may leave new files empty, as with rsync",
  },
  force: { type: "boolean", about: "go on where a guard would stop, for this run" },
  token: { type: "string", value: "TOKEN", about: "bearer token for both servers (or FERRY_TOKEN)" },
  "src-token": { type: "string", value: "TOKEN", about: "bearer token for SRC's server" },
  "dst-token": { type: "string", value: "TOKEN", about: "bearer token for DST's server" },
  pin: {
    type: "list",
    value: "sha256:HEX",
    about: "trust servers whose certificate has this SHA-256, whatever its name, and no others",
  },
  every: { type: "duration", value: "DUR", about: "run now and then again so often, until stopped" },
  cron: {
    type: "string",
    value: "EXPR",
    about: "run when the five fields of this cron expression say so, in the time zone of TZ",
  },
} as const satisfies FlagTable;

/** The command line, read. */
export type SyncLine = Parsed<typeof FLAGS & typeof COMMON_FLAGS>;
