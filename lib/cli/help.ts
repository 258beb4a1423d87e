/** `--help` from the tables: usage, every flag with its default, examples, exit statuses. */
import { EXIT_MEANINGS } from "./exit_codes.ts";
import { type Command, commonFlags } from "./command.ts";
import type { Flag, FlagTable } from "./flags.ts";
import { formatDurationFlag, formatSizeFlag } from "./units.ts";

const WIDTH = 100;

/** The help text of one command. */
export function commandHelp(command: Command): string {
  const sections = [
    `${command.summary}\n`,
    "Usage:\n" + command.usage.map((line) => `  ferry ${line}\n`).join(""),
    "Flags:\n" + flagLines(command.flags),
    "Common flags:\n" + flagLines(commonFlags(command)),
    ...(command.notes ?? []).map((note) => wrap(note, 0) + "\n"),
    "Examples:\n" + command.examples.map(({ run, about }) => `  ${run}\n      ${about}\n`).join(""),
    ...(command.environment === undefined ? [] : [
      "Environment:\n" + columns(command.environment.map(({ name, about }) => ({ left: name, text: about }))),
    ]),
    "Exit status:\n" +
    command.exits.map((code) => `  ${String(code).padStart(3)}  ${EXIT_MEANINGS[code]}\n`).join(""),
  ];
  return sections.join("\n");
}

/** The help text of `ferry` itself. */
export function programHelp(commands: readonly { name: string; usage: string; summary: string }[]): string {
  const width = Math.max(...commands.map((command) => command.usage.length));
  return [
    "Ferry moves files over HTTP: serve a folder, fetch from it, replicate it.\n",
    "Usage:\n" + commands.map((c) => `  ferry ${c.usage.padEnd(width)}  ${c.summary}\n`).join(""),
    "`ferry COMMAND --help` shows the flags, examples and exit statuses of a command; `ferry --version` the version.\n",
  ].join("\n");
}

/** The help text of a command that is made of commands. */
export function groupHelp(
  group: { name: string; summary: string; commands: readonly { usage: string; summary: string }[] },
): string {
  const width = Math.max(...group.commands.map((command) => command.usage.length));
  return [
    `${group.summary[0].toUpperCase()}${group.summary.slice(1)}.\n`,
    "Usage:\n" + group.commands.map((c) => `  ferry ${c.usage.padEnd(width)}  ${c.summary}\n`).join(""),
    `\`ferry ${group.name} COMMAND --help\` shows the flags, examples and exit statuses of one.\n`,
  ].join("\n");
}

function flagLines(table: FlagTable): string {
  return columns(
    Object.entries(table).map(([name, flag]) => ({
      left: flagUsage(name, flag),
      text: flag.about + defaultNote(flag),
    })),
  );
}

function columns(rows: readonly { left: string; text: string }[]): string {
  const column = Math.min(34, Math.max(...rows.map((row) => row.left.length)) + 4);
  return rows.map(({ left, text }) => {
    const head = "  " + left;
    const wrapped = wrap(text, column);
    return head.length + 2 > column
      ? `${head}\n${" ".repeat(column)}${wrapped}\n`
      : `${head.padEnd(column)}${wrapped}\n`;
  }).join("");
}

/** A flag as `--help` shows it, its letter first: `-o, --output FILE`. */
export function flagUsage(name: string, flag: Flag): string {
  const short = flag.short ? `-${flag.short}, ` : "    ";
  // A letter always stands for the positive form.
  if (flag.type === "boolean" && flag.default) return `${short}--${flag.short ? "[no-]" : "no-"}${name}`;
  if (flag.type === "boolean") return `${short}--${flag.default === null ? "[no-]" : ""}${name}`;
  return `${short}--${name} ${flag.value ?? flag.type.toUpperCase()}`;
}

/** What is appended to the words of a flag: its default, or that it may come again. */
export function defaultNote(flag: Flag): string {
  switch (flag.type) {
    case "boolean":
      return "";
    case "list":
      return " (repeatable)";
    case "size":
      return flag.default === undefined ? "" : ` (default ${formatSizeFlag(flag.default)})`;
    case "duration":
      return flag.default === undefined ? "" : ` (default ${formatDurationFlag(flag.default)})`;
    default:
      return flag.default === undefined ? "" : ` (default ${flag.default})`;
  }
}

/** `text` in lines of at most WIDTH columns, the ones after the first indented by `indent`. */
function wrap(text: string, indent: number): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && indent + line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : line + " " + word;
    }
  }
  lines.push(line);
  return lines.join("\n" + " ".repeat(indent));
}
