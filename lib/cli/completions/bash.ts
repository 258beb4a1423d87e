/** Completions for bash, without the package bash-completion. Pure. */
import { assertNever } from "../../core/errors.ts";
import { namesAfter, type Operand, type Option, type Program } from "./words.ts";

/** The script that `source` takes. */
export function bashCompletions(program: Program): string {
  const groups = program.groups.map(({ path }) => path.join(" "));
  return `# Completions of ferry for bash: source <(ferry completions bash)
_ferry_names() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur"); }
_ferry_files() { compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); }
_ferry_folders() { compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur"); }
_ferry() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} command=\${COMP_WORDS[1]} at=1
  COMPREPLY=()
  # --flag=value comes as three words.
  if [[ $cur == = ]]; then cur=
  elif [[ $prev == = ]]; then prev=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  case $command in
    ${groups.join("|")}) at=2 ;;
  esac
  if ((COMP_CWORD <= at)); then
    case $((COMP_CWORD))$command in
      1*) _ferry_names '${words(program, [])}' ;;
${program.groups.map(({ path }) => `      2${path[0]}) _ferry_names '${words(program, path)}' ;;`).join("\n")}
    esac
    return
  fi
  ((at == 2)) && command+=" \${COMP_WORDS[2]}"
  case $command in
${program.commands.map(({ path, options, argument }) => commandCase(path, options, argument)).join("\n")}
  esac
}
complete -F _ferry ferry
`;
}

function commandCase(path: readonly string[], options: readonly Option[], argument: Operand): string {
  const all = options.flatMap(({ names }) => names);
  const byAction = new Map<string, string[]>();
  for (const { names, value } of options) {
    if (value === undefined) continue;
    const action = complete(value.operand);
    byAction.set(action, [...byAction.get(action) ?? [], ...names]);
  }
  const values = Array.from(
    byAction,
    ([action, names]) => `        ${names.join("|")}) ${action}; return ;;\n`,
  );
  return `    '${path.join(" ")}')
      case $prev in
${values.join("")}      esac
      if [[ $cur == -* ]]; then _ferry_names '${all.join(" ")}'
      else ${complete(argument)}
      fi ;;`;
}

function complete(operand: Operand): string {
  switch (operand.kind) {
    case "file":
      return "_ferry_files";
    case "folder":
      return "_ferry_folders";
    case "word":
      return `_ferry_names '${operand.words.join(" ")}'`;
    case "any":
      return ":";
    default:
      return assertNever(operand);
  }
}

function words(program: Program, path: readonly string[]): string {
  return namesAfter(program, path).map((one) => one.path.at(-1)).join(" ");
}
