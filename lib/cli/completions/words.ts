/** What a shell may complete, from the tables of flags. Pure. */
import type { Command } from "../command.ts";
import { commonFlags } from "../command.ts";
import type { Flag, FlagTable } from "../flags.ts";

/** What comes after a flag, or as an argument. */
export type Operand =
  | { kind: "file" }
  | { kind: "folder" }
  | { kind: "word"; words: readonly string[] }
  /** A shell cannot know. */
  | { kind: "any" };

/** A flag as it may be typed. */
export interface Option {
  /** With the dashes: the long one last. */
  names: string[];
  about: string;
  /** Undefined for one without a value. */
  value?: { name: string; operand: Operand };
  /** Whether it may come again. */
  repeats: boolean;
}

/** One command, or one of a command's commands. */
export interface Completed {
  /** `["token", "create"]`. */
  path: string[];
  summary: string;
  options: Option[];
  argument: Operand;
}

/** A command or a group of them, as far as its name and summary. */
export interface Named {
  path: string[];
  summary: string;
}

/** All that can be completed: commands, groups of them, and the names on each level. */
export interface Program {
  commands: Completed[];
  groups: Named[];
}

/** What can be completed of `command`, which is called by `path`. */
export function completed(path: string[], command: Command): Completed {
  return {
    path,
    summary: command.summary,
    options: optionsOf({ ...command.flags, ...commonFlags(command) }),
    argument: command.args.operand ?? { kind: "any" },
  };
}

/** The names that may follow `path`, with what they are. */
export function namesAfter({ commands, groups }: Program, path: readonly string[]): Named[] {
  return [...commands, ...groups].filter((one) =>
    one.path.length === path.length + 1 && path.every((name, at) => one.path[at] === name)
  );
}

function optionsOf(table: FlagTable): Option[] {
  return Object.entries(table).flatMap(([name, flag]): Option[] => {
    const short = flag.short === undefined ? [] : [`-${flag.short}`];
    const rest = { about: flag.about, repeats: flag.type === "list" };
    if (flag.type !== "boolean") {
      const value = { name: flag.value ?? flag.type.toUpperCase(), operand: operandOf(flag) };
      return [{ ...rest, names: [...short, `--${name}`], value }];
    }
    const negative = { ...rest, names: [`--no-${name}`] };
    const positive = { ...rest, names: [...short, `--${name}`] };
    // One that is on by itself is only worth typing to turn it off, or by its letter.
    if (flag.default === true) return flag.short === undefined ? [negative] : [positive, negative];
    return flag.default === null ? [positive, negative] : [positive];
  });
}

function operandOf(flag: Flag): Operand {
  if (flag.type === "string" && flag.choices !== undefined) return { kind: "word", words: flag.choices };
  if (/^DIR\b/.test(flag.value ?? "")) return { kind: "folder" };
  return /\b(?:FILE|PATH)(?:\||$)/.test(flag.value ?? "") ? { kind: "file" } : { kind: "any" };
}
