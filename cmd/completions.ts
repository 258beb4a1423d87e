import { type Command, defineCommand } from "../lib/cli/command.ts";
import { bashCompletions } from "../lib/cli/completions/bash.ts";
import { fishCompletions } from "../lib/cli/completions/fish.ts";
import { completed, type Program } from "../lib/cli/completions/words.ts";
import { zshCompletions } from "../lib/cli/completions/zsh.ts";
import { FerryError, quote } from "../lib/core/errors.ts";
import type { Commands } from "./commands.ts";

const SHELLS: Readonly<Record<string, (program: Program) => string>> = {
  bash: bashCompletions,
  zsh: zshCompletions,
  fish: fishCompletions,
};

/** The command that knows `commands`. */
export const completions = (commands: Commands): Command =>
  defineCommand({
    name: "completions",
    summary: "Make the completions of a shell.",
    usage: ["completions bash|zsh|fish"],
    flags: {},
    args: { min: 1, max: 1, operand: { kind: "word", words: Object.keys(SHELLS) } },
    examples: [
      { run: "source <(ferry completions bash)", about: "in ~/.bashrc" },
      {
        run: "ferry completions bash > /usr/share/bash-completion/completions/ferry",
        about: "for everybody who uses bash",
      },
      {
        run: 'ferry completions zsh > "${fpath[1]}/_ferry"',
        about: "for zsh, or source <(...) after compinit",
      },
      { run: "ferry completions fish > ~/.config/fish/completions/ferry.fish", about: "for fish" },
    ],
    exits: [0, 2],
    async run({ args: [shell] }, io) {
      if (!Object.hasOwn(SHELLS, shell)) {
        throw new FerryError(
          "usage",
          `no completions for ${quote(shell)}; there are ${Object.keys(SHELLS).join(", ")}`,
        );
      }
      io.out(SHELLS[shell](await readProgram(commands)));
      return 0;
    },
  });

/** What of all `commands` can be completed. */
async function readProgram(commands: Commands): Promise<Program> {
  const program: Program = { commands: [], groups: [] };
  for (const entry of commands) {
    if ("commands" in entry) {
      program.groups.push({ path: [entry.name], summary: entry.summary });
      for (const one of entry.commands) {
        program.commands.push({
          ...completed([entry.name, one.name], await one.load()),
          summary: one.summary,
        });
      }
    } else program.commands.push({ ...completed([entry.name], await entry.load()), summary: entry.summary });
  }
  return program;
}
