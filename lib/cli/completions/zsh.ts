/** Completions for zsh. Pure. */
import { assertNever } from "../../core/errors.ts";
import { type Completed, type Named, namesAfter, type Operand, type Option, type Program } from "./words.ts";

/** The script, which may be sourced after `compinit`, or lie as `_ferry` in a folder of fpath. */
export function zshCompletions(program: Program): string {
  return `#compdef ferry
# Completions of ferry for zsh: source <(ferry completions zsh)
_ferry_command() { local -a names=("\${(@)argv[2,-1]}"); _describe -t commands "$1" names; }
_ferry() {
  local curcontext=$curcontext state line
  typeset -A opt_args
  local -i at=2
  local command=$words[2]
  case $command in
    ${program.groups.map(({ path }) => path[0]).join("|")}) at=3 ;;
  esac
  if ((CURRENT == 2)); then
    _ferry_command command ${described(namesAfter(program, []))}
    return
  fi
  if ((CURRENT == 3 && at == 3)); then
    case $command in
${
    program.groups.map(({ path }) =>
      `      ${path[0]}) _ferry_command command ${described(namesAfter(program, path))} ;;`
    ).join("\n")
  }
    esac
    return
  fi
  ((at == 3)) && command+=" $words[3]"
  shift $((at - 1)) words
  ((CURRENT -= at - 1))
  case $command in
${program.commands.map(commandCase).join("\n")}
  esac
}
if [[ \${funcstack[1]} == _ferry ]]; then _ferry "$@"; else compdef _ferry ferry; fi
`;
}

function commandCase({ path, options, argument }: Completed): string {
  const lines = [...options.map(spec), quoted(`*:${operandText("", argument)}`)];
  return `    '${path.join(" ")}')
      _arguments -s -S \\
${lines.map((line) => `        ${line}`).join(" \\\n")} ;;`;
}

function spec({ names, about, value, repeats }: Option): string {
  const after = `[${about.replace(/[[\]\\]/g, "\\$&")}]` +
    (value === undefined ? "" : `:${operandText(value.name, value.operand)}`);
  // A short name takes its value glued or apart, a long one after = or apart.
  const typed = names.map((name) => value === undefined ? name : name + (name.startsWith("--") ? "=" : "+"));
  const before = repeats ? "*" : names.length > 1 ? `(${names.join(" ")})` : "";
  return typed.map((name) => quoted(before + name + after)).join(" ");
}

function operandText(name: string, operand: Operand): string {
  // An empty one would mean something else.
  const label = name.replace(/[:\\]/g, "\\$&") || "argument";
  switch (operand.kind) {
    case "file":
      return `${label}:_files`;
    case "folder":
      return `${label}:_files -/`;
    case "word":
      return `${label}:(${operand.words.join(" ")})`;
    case "any":
      return `${label}: `;
    default:
      return assertNever(operand);
  }
}

function described(names: readonly Named[]): string {
  return names.map(({ path, summary }) => quoted(`${path.at(-1)}:${summary.replaceAll(":", "\\:")}`)).join(
    " ",
  );
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
