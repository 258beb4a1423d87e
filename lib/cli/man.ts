/** Manual pages in man(7) from the tables that `--help` is made of. Pure. */
import { type Command, commonFlags } from "./command.ts";
import { EXIT_MEANINGS } from "./exit_codes.ts";
import type { FlagTable } from "./flags.ts";
import { defaultNote, flagUsage } from "./help.ts";

/** What is not in a command's table. */
export interface ManOptions {
  /** The version of the program. */
  version: string;
  /** The names of the other pages, `ferry-serve`. */
  others: readonly string[];
}

/** The page of `command`, which is called by `path`, in section 1. */
export function commandMan(path: readonly string[], command: Command, options: ManOptions): string {
  const name = ["ferry", ...path].join("-");
  return [
    head(name, options.version),
    section("NAME", `${text(name)} \\- ${text(lower(command.summary))}`),
    section("SYNOPSIS", command.usage.map((line) => `.B ferry\n${text(line)}`).join("\n.br\n")),
    section(
      "DESCRIPTION",
      [command.summary, ...(command.notes ?? [])].map((note) => text(note)).join("\n.PP\n"),
    ),
    section("OPTIONS", flags(command.flags)),
    section("COMMON OPTIONS", flags(commonFlags(command))),
    ...(command.environment === undefined ? [] : [
      section("ENVIRONMENT", items(command.environment.map(({ name, about }) => [name, about]))),
    ]),
    section("EXIT STATUS", items(command.exits.map((code) => [String(code), EXIT_MEANINGS[code]]))),
    section(
      "EXAMPLES",
      command.examples.map(({ run, about }) =>
        `.PP\n${text(about[0].toUpperCase() + about.slice(1))}:\n.PP\n.nf\n.RS\n${text(run)}\n.RE\n.fi`
      ).join("\n"),
    ),
    seeAlso(options.others),
  ].join("");
}

/** The page of `ferry` itself, or of a command that is made of commands. */
export function groupMan(
  group: { name: string; summary: string; commands: readonly { usage: string; summary: string }[] },
  options: ManOptions,
): string {
  return [
    head(group.name, options.version),
    section("NAME", `${text(group.name)} \\- ${text(group.summary)}`),
    section(
      "SYNOPSIS",
      group.commands.map(({ usage }) => `.B ferry\n${text(usage)}`).join("\n.br\n"),
    ),
    section("COMMANDS", items(group.commands.map(({ usage, summary }) => [`ferry ${usage}`, summary]))),
    seeAlso(options.others),
  ].join("");
}

function head(name: string, version: string): string {
  return `.TH ${name.toUpperCase()} 1 "" "ferry ${version}" "Ferry"\n.nh\n.ad l\n`;
}

function section(title: string, body: string): string {
  return `.SH ${title}\n${body}\n`;
}

function flags(table: FlagTable): string {
  return items(
    Object.entries(table).map((
      [name, flag],
    ) => [flagUsage(name, flag).trim(), flag.about + defaultNote(flag)]),
  );
}

function items(rows: readonly (readonly [string, string])[]): string {
  return rows.map(([left, right]) => `.TP\n.B ${text(left)}\n${text(right)}`).join("\n");
}

function seeAlso(others: readonly string[]): string {
  return section("SEE ALSO", others.map((name) => `.BR ${text(name)} (1)`).join(",\n"));
}

/** Backslashes, dashes and the characters that begin a request, as roff has them literally; groff_char(7). */
function text(value: string): string {
  return value.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll("'", "\\(aq").replaceAll(
    "`",
    "\\(ga",
  )
    .replaceAll("^", "\\(ha").replaceAll("~", "\\(ti").replace(/^\./gm, "\\&.");
}

function lower(summary: string): string {
  return summary[0].toLowerCase() + summary.slice(1).replace(/\.$/, "");
}
