/** What a command is: its flags and texts as data, and one function that runs it. */
import type { FlagTable, ForeignFlags, Parsed } from "./flags.ts";
import type { Operand } from "./completions/words.ts";
import type { Io } from "./io.ts";

/** A command: what it takes, what `--help` says of it, and what it does. */
export interface Command<T extends FlagTable = FlagTable> {
  name: string;
  /** What it is for, one line. */
  summary: string;
  /** Usage lines without the leading `ferry`. */
  usage: readonly string[];
  flags: T;
  /** Flags that who comes from other programs looks for here. */
  foreign?: ForeignFlags;
  /** Whether `--config FILE` may say what its flags say. */
  flagFile?: boolean;
  /** How many arguments beside flags it takes, and what they are to a shell that completes them. */
  args: { min: number; max: number; operand?: Operand };
  examples: readonly { run: string; about: string }[];
  /** Variables of the environment that it heeds. */
  environment?: readonly { name: string; about: string }[];
  /** The exit statuses it can end with; their meanings come from the one table. */
  exits: readonly number[];
  /** Longer remarks for `--help`, paragraphs. */
  notes?: readonly string[];
  /** Does the work and gives the exit status. Throws FerryError for what a person should read. */
  run(parsed: Parsed<T & typeof COMMON_FLAGS>, io: Io): Promise<number>;
}

/** The flags that every command has. */
export const COMMON_FLAGS = {
  help: { type: "boolean", short: "h", about: "show this help" },
  version: { type: "boolean", about: "show the version" },
  quiet: { type: "boolean", short: "q", about: "say only what went wrong" },
  verbose: { type: "boolean", short: "v", about: "say more on stderr" },
  json: { type: "boolean", about: "JSON output, one object a line" },
  color: { type: "boolean", default: true, about: "no colours (NO_COLOR works too)" },
} as const satisfies FlagTable;

const FILE_FLAG = {
  config: {
    type: "string",
    value: "FILE",
    path: true,
    about: 'take flags from this file of JSON with comments, as {"retry": 8}; those given here win',
  },
} as const satisfies FlagTable;

/** The flags of `command` that are not its alone. */
export function commonFlags(command: Command): FlagTable {
  return command.flagFile ? { ...COMMON_FLAGS, ...FILE_FLAG } : COMMON_FLAGS;
}

/** Gives a command its exact flag types while a table of commands sees only `Command`. */
export function defineCommand<const T extends FlagTable>(command: Command<T>): Command {
  return command as unknown as Command;
}
