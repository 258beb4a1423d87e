import { type Command, defineCommand } from "../lib/cli/command.ts";
import { commandMan, groupMan } from "../lib/cli/man.ts";
import { FerryError } from "../lib/core/errors.ts";
import { VERSION } from "../lib/core/version.ts";
import type { Commands } from "./commands.ts";
import { findCommand } from "./find_command.ts";

/** The command that knows `commands`. */
export const man = (commands: Commands): Command =>
  defineCommand({
    name: "man",
    summary: "Make a manual page.",
    usage: ["man [COMMAND]"],
    flags: {},
    args: { min: 0, max: 2, operand: { kind: "word", words: ["serve", "request", "sync", "token"] } },
    notes: [
      "The page is in the language of man(1), made from what --help is made of: ferry(1) without COMMAND, else " +
      "ferry-COMMAND(1).",
    ],
    examples: [
      { run: "ferry man request | man -l -", about: "read the manual of request" },
      { run: "ferry man token create | man -l -", about: "that of one of the commands for tokens" },
      { run: "ferry man sync > /usr/local/share/man/man1/ferry-sync.1", about: "install it" },
    ],
    exits: [0, 2],
    async run({ args }, io) {
      io.out(await page(args, commands));
      return 0;
    },
  });

async function page(path: readonly string[], commands: Commands): Promise<string> {
  const [name, inner] = path;
  const others = ["ferry", ...commands.map((entry) => `ferry-${entry.name}`)];
  const options = {
    version: VERSION,
    others: others.filter((other) => other !== ["ferry", ...path].join("-")),
  };
  if (name === undefined) {
    return groupMan({ name: "ferry", summary: "move files over HTTP", commands }, options);
  }
  const entry = findCommand(commands, name);
  if (!("commands" in entry)) {
    if (inner !== undefined) {
      throw new FerryError("usage", `${name} is not made of commands; see ferry man ${name}`);
    }
    return commandMan(path, await entry.load(), options);
  }
  if (inner === undefined) return groupMan({ ...entry, name: `ferry-${name}` }, options);
  return commandMan(path, await findCommand(entry.commands, inner, `${name} `).load(), options);
}
