import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { COMMON_FLAGS, defineCommand } from "./command.ts";
import { EXIT_MEANINGS } from "./exit_codes.ts";
import { commandHelp, programHelp } from "./help.ts";
import { parseFlags } from "./flags.ts";

const command = defineCommand({
  name: "haul",
  summary: "Haul things.",
  usage: ["haul [flags] THING", "haul --list"],
  flags: {
    list: { type: "boolean", short: "l", about: "show what there is" },
    follow: { type: "boolean", default: true, about: "do not follow links" },
    loud: { type: "boolean", short: "L", default: true, about: "say much" },
    port: { type: "integer", value: "PORT", default: 8420, min: 0, max: 65535, about: "the port" },
    rate: { type: "size", short: "r", value: "SIZE", default: 65536, about: "how fast" },
    wait: { type: "duration", value: "DUR", default: 90_000, about: "how long" },
    mode: {
      type: "string",
      value: "fast|slow",
      default: "fast",
      choices: ["fast", "slow"],
      about: "which way",
    },
    "a-flag-with-a-name-of-unusual-length": {
      type: "string",
      about: "a text of many words ".repeat(20).trim(),
    },
    header: { type: "list", short: "H", value: "TEXT", about: "more text" },
  },
  args: { min: 0, max: 1 },
  examples: [{ run: "ferry haul x", about: "haul x" }],
  exits: [0, 2, 143],
  notes: ["A note of one paragraph. ".repeat(10).trim()],
  run: () => Promise.resolve(0),
});

Deno.test("commandHelp() has every flag with its default, examples and exit statuses", () => {
  const help = commandHelp(command);
  for (
    const line of [
      "Haul things.",
      "  ferry haul [flags] THING",
      "  ferry haul --list",
      "  -l, --list",
      "      --no-follow",
      "  -L, --[no-]loud",
      "      --port PORT",
      "(default 8420)",
      "  -r, --rate SIZE",
      "(default 64K)",
      "(default 90s)",
      "      --mode fast|slow",
      "(default fast)",
      "  -H, --header TEXT",
      "(repeatable)",
      "  ferry haul x\n      haul x",
      `  143  ${EXIT_MEANINGS[143]}`,
      "    0  all done",
    ]
  ) assertStringIncludes(help, line);
  for (const name of Object.keys(COMMON_FLAGS)) assertMatch(help, new RegExp(`--(no-)?${name}\\b`), name);
  assert(!help.includes("undefined"), help);
});

Deno.test("commandHelp() keeps lines short enough for a terminal", () => {
  for (const line of commandHelp(command).split("\n")) {
    assert(line.length <= 100, line);
    assertEquals(line, line.trimEnd());
  }
});

Deno.test("commandHelp() shows flags as parseFlags() takes them", () => {
  const shown = commandHelp(command).matchAll(/^ {2}(?:-(\w), | {4})--(\[no-\])?([\w-]+)(?: (\S+))?/gm);
  let count = 0;
  for (const [, short, optional, name, value] of shown) {
    count++;
    const table = { ...command.flags, ...COMMON_FLAGS };
    const forms = [`--${name}`, ...(optional ? [`--no-${name}`] : []), ...(short ? [`-${short}`] : [])];
    for (const form of forms) {
      const needsValue = value !== undefined && /^[A-Z|a-z]+$/.test(value) && isValued(name);
      parseFlags(needsValue ? [form, sample(name)] : [form], table);
    }
  }
  assertEquals(count, Object.keys(command.flags).length + Object.keys(COMMON_FLAGS).length);
});

function isValued(name: string): boolean {
  return Object.hasOwn(command.flags, name) && command.flags[name].type !== "boolean";
}

function sample(name: string): string {
  switch (command.flags[name].type) {
    case "integer":
    case "size":
      return "1";
    case "duration":
      return "1s";
    default:
      return "fast";
  }
}

Deno.test("programHelp() lists the commands in columns", () => {
  const help = programHelp([
    { name: "a", usage: "a X", summary: "first" },
    { name: "longer", usage: "longer X Y", summary: "second" },
  ]);
  assertStringIncludes(help, "  ferry a X         first\n  ferry longer X Y  second\n");
});
