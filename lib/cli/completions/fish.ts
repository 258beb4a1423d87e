/** Completions for fish. Pure. */
import { assertNever } from "../../core/errors.ts";
import { namesAfter, type Operand, type Option, type Program } from "./words.ts";

/** The script, for `source` or as `ferry.fish` in a folder of completions. */
export function fishCompletions(program: Program): string {
  const lines = [
    "# Completions of ferry for fish: ferry completions fish | source",
    "function __ferry_at # whether the line begins with these commands",
    "    set -l typed (commandline -opc)",
    "    set -e typed[1]",
    "    test (count $typed) -ge (count $argv); or return 1",
    "    for i in (seq (count $argv))",
    '        test "$typed[$i]" = "$argv[$i]"; or return 1',
    "    end",
    "end",
    "function __ferry_just # whether nothing else was typed but these",
    "    set -l typed (commandline -opc)",
    "    test (count $typed) -eq (math 1 + (count $argv)); and __ferry_at $argv",
    "end",
    "complete -c ferry -f",
  ];
  for (const path of [[], ...program.groups.map(({ path }) => path)]) {
    for (const one of namesAfter(program, path)) {
      const when = `__ferry_just ${path.join(" ")}`.trim();
      lines.push(`complete -c ferry -n ${quoted(when)} -a ${one.path.at(-1)} -d ${quoted(one.summary)}`);
    }
  }
  for (const { path, options, argument } of program.commands) {
    const begin = `complete -c ferry -n ${quoted(`__ferry_at ${path.join(" ")}`)}`;
    lines.push(...options.map((option) => `${begin} ${optionText(option)}`));
    if (argument.kind !== "any") lines.push(`${begin} ${operandText(argument)}`);
  }
  return lines.join("\n") + "\n";
}

function optionText({ names, about, value }: Option): string {
  const forms = names.map((name) => name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`);
  const needs = value === undefined ? [] : [`-r ${operandText(value.operand)}`];
  return [...forms, ...needs, `-d ${quoted(about)}`].join(" ");
}

function operandText(operand: Operand): string {
  switch (operand.kind) {
    case "file":
      return "-F";
    case "folder":
      return "-f -a '(__fish_complete_directories)'";
    case "word":
      return `-f -a ${quoted(operand.words.join(" "))}`;
    case "any":
      return "-f";
    default:
      return assertNever(operand);
  }
}

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
