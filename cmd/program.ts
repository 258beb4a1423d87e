/** From argv to an exit status: finds the command, reads its flags, runs it, and says what went wrong in one line. */
import { type Command, commonFlags } from "../lib/cli/command.ts";
import { type FlagTable, type Parsed, parseFlags } from "../lib/cli/flags.ts";
import type { Io, StopReason } from "../lib/cli/io.ts";
import { exitStatus, FerryError, quote } from "../lib/core/errors.ts";
import { VERSION } from "../lib/core/version.ts";
import { COMMANDS } from "./commands.ts";
import { findCommand } from "./find_command.ts";

/** Runs `ferry` with `argv` and gives the exit status; every error ends here as one line on stderr. */
export async function runProgram(argv: readonly string[], io: Io): Promise<number> {
  try {
    return await dispatch(argv, io);
  } catch (error) {
    if (io.stop.aborted) return (io.stop.reason as StopReason).status;
    // Whoever reads our stdout has gone (`ferry ... | head`): nobody is left to tell.
    if (error instanceof Deno.errors.BrokenPipe) return 23;
    if (error instanceof FerryError) {
      // It may hold what a server said.
      io.err(`ferry: ${error.message.split("\n").map(quote).join("\n")}\n`);
      return exitStatus(error);
    }
    io.err(`ferry: internal error, please report it: ${error instanceof Error ? error.stack : error}\n`);
    return 1;
  }
}

async function dispatch(argv: readonly string[], io: Io): Promise<number> {
  const [name, ...rest] = argv;
  if (name === "--version" || name === "-V") {
    io.out(`ferry ${VERSION}\n`);
    return 0;
  }
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    const { programHelp } = await import("../lib/cli/help.ts");
    const text = programHelp(COMMANDS);
    if (name === undefined) io.err(text);
    else io.out(text);
    return name === undefined ? 2 : 0;
  }
  const found = findCommand(COMMANDS, name);
  if ("commands" in found) return await dispatchGroup(found, rest, io);
  return await runCommand(await found.load(), rest, io);
}

/** One of the commands that a command is made of. */
async function dispatchGroup(
  group: Extract<typeof COMMANDS[number], { commands: unknown }>,
  [name, ...rest]: readonly string[],
  io: Io,
): Promise<number> {
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    const { groupHelp } = await import("../lib/cli/help.ts");
    const text = groupHelp(group);
    if (name === undefined) io.err(text);
    else io.out(text);
    return name === undefined ? 2 : 0;
  }
  return await runCommand(await findCommand(group.commands, name, `${group.name} `).load(), rest, io);
}

async function runCommand(command: Command, rest: readonly string[], io: Io): Promise<number> {
  // --help wins over whatever else is wrong with the line.
  const end = rest.indexOf("--");
  const before = end === -1 ? rest : rest.slice(0, end);
  if (before.includes("--help") || before.includes("-h")) {
    const { commandHelp } = await import("../lib/cli/help.ts");
    io.out(commandHelp(command));
    return 0;
  }
  const table = { ...command.flags, ...commonFlags(command) };
  let parsed: Parsed<FlagTable> = parseFlags(rest, table, command.foreign);
  if (parsed.flags.version) {
    io.out(`ferry ${VERSION}\n`);
    return 0;
  }
  const { min, max } = command.args;
  if (parsed.args.length < min || parsed.args.length > max) {
    const extra = parsed.args.length > max
      ? `unexpected argument ${quote(parsed.args[max])}`
      : "an argument is missing";
    throw new FerryError("usage", `${extra}; usage: ferry ${command.usage[0]}`);
  }
  if (parsed.flags.config !== undefined && command.flagFile) {
    const { withFlagFile } = await import("../lib/cli/config/flag_file.ts");
    parsed = withFlagFile(parsed, table);
  }
  return await command.run(parsed as Parameters<Command["run"]>[0], io);
}
