import { assertEquals, assertThrows } from "@std/assert";
import { FerryError } from "../core/errors.ts";
import { type FlagTable, parseFlags } from "./flags.ts";

const TABLE = {
  all: { type: "boolean", short: "a", about: "" },
  bare: { type: "boolean", short: "b", about: "" },
  color: { type: "boolean", default: true, about: "" },
  name: { type: "string", short: "n", about: "" },
  mode: { type: "string", default: "fast", choices: ["fast", "slow"], about: "" },
  header: { type: "list", short: "H", about: "" },
  port: { type: "integer", short: "p", default: 8420, min: 0, max: 65535, about: "" },
  shift: { type: "integer", min: -5, max: 5, about: "" },
  rate: { type: "size", short: "r", about: "" },
  wait: { type: "duration", default: 1000, about: "" },
} as const satisfies FlagTable;

const DEFAULTS = {
  all: false,
  bare: false,
  color: true,
  name: undefined,
  mode: "fast",
  header: [],
  port: 8420,
  shift: undefined,
  rate: undefined,
  wait: 1000,
};

Deno.test("parseFlags() reads every type in every form", () => {
  const cases: [string, Record<string, unknown>, string[]?][] = [
    ["", {}],
    ["x y", {}, ["x", "y"]],
    ["--all", { all: true }],
    ["-a", { all: true }],
    ["-ab", { all: true, bare: true }],
    ["--all --no-all", { all: false }],
    ["--no-all --all", { all: true }],
    ["--no-color", { color: false }],
    ["--no-color --color", { color: true }],
    ["--name=v", { name: "v" }],
    ["--name v", { name: "v" }],
    ["-n v", { name: "v" }],
    ["-nv", { name: "v" }],
    ["-n=v", { name: "v" }],
    ["-n =v", { name: "=v" }],
    ["--name=a=b", { name: "a=b" }],
    ["--name=", { name: "" }],
    ["-abn v", { all: true, bare: true, name: "v" }],
    ["-anv", { all: true, name: "v" }],
    ["-anb", { all: true, name: "b" }],
    ["--name -x", { name: "-x" }],
    ["--name --all", { name: "--all" }],
    ["--name=--all", { name: "--all" }],
    ["-n -", { name: "-" }],
    ["-n --", { name: "--" }],
    ["--name 007", { name: "007" }],
    ["--name 1e3", { name: "1e3" }],
    ["--name true", { name: "true" }],
    ["--name one --name two", { name: "two" }],
    ["--mode slow", { mode: "slow" }],
    ["-H a -H b --header=c -Ha", { header: ["a", "b", "c", "a"] }],
    ["--header 1", { header: ["1"] }],
    ["--header=", { header: [""] }],
    ["--port 0", { port: 0 }],
    ["-p65535", { port: 65535 }],
    ["--port=007", { port: 7 }],
    ["--port 1 --port 2", { port: 2 }],
    ["--shift -5", { shift: -5 }],
    ["--shift=-5", { shift: -5 }],
    ["--rate 4096", { rate: 4096 }],
    ["-r64K", { rate: 65536 }],
    ["--rate 10MB", { rate: 10_000_000 }],
    ["--wait 500ms", { wait: 500 }],
    ["--wait 2", { wait: 2000 }],
    ["--wait 0", { wait: 0 }],
    ["x --all y --name v z", { all: true, name: "v" }, ["x", "y", "z"]],
    ["--all x", { all: true }, ["x"]],
    ["--all false", { all: true }, ["false"]],
    ["-- --all -x", {}, ["--all", "-x"]],
    ["x -- y --", {}, ["x", "y", "--"]],
    ["--name -- --all", { name: "--", all: true }],
    ["- -a", { all: true }, ["-"]],
    ["007 1e3 0x10", {}, ["007", "1e3", "0x10"]],
    ["é 😀=b", {}, ["é", "😀=b"]],
  ];
  for (const [line, flags, args = []] of cases) {
    const parsed = parseFlags(line === "" ? [] : line.split(" "), TABLE);
    assertEquals([line, parsed.flags, parsed.args], [line, { ...DEFAULTS, ...flags }, args] as never);
  }
});

Deno.test("parseFlags() tells which flags were given, also with their default", () => {
  const { given } = parseFlags(["--name=x", "--mode", "fast", "--no-color", "-b", "y"], TABLE);
  assertEquals([...given].sort(), ["bare", "color", "mode", "name"]);
});

Deno.test("parseFlags() refuses what a flag's own check refuses, and asks only about what was given", () => {
  const check = (text: string) => text.startsWith("a") ? null : "must start with a";
  const table = {
    one: { type: "string", default: "z", check, about: "" },
    many: { type: "list", check, about: "" },
  } as const satisfies FlagTable;
  assertEquals(parseFlags(["--many", "ab"], table).flags, { one: "z", many: ["ab"] });
  assertThrows(() => parseFlags(["--one", "b"], table), FerryError, "--one b: must start with a");
  assertThrows(() => parseFlags(["--many=a", "--many=c"], table), FerryError, "--many c: must start with a");
});

Deno.test("parseFlags() keeps values and arguments as they are, also empty and odd ones", () => {
  const argv = ["", "--name", "", "--header", "a b\n", "--header=--no-color", "constructor", "__proto__"];
  const { flags, args } = parseFlags(argv, TABLE);
  assertEquals([flags.name, flags.header, args], ["", ["a b\n", "--no-color"], [
    "",
    "constructor",
    "__proto__",
  ]]);
});

Deno.test("parseFlags() says in one line which flag is wrong and what would be right", () => {
  const cases: [string, string][] = [
    ["--nmae v", "unknown flag --nmae; did you mean --name?"],
    ["--nmae=v", "unknown flag --nmae; did you mean --name?"],
    ["--no-nmae", "unknown flag --no-nmae; did you mean --name?"],
    ["--no-name", "unknown flag --no-name; did you mean --name?"],
    ["--no-color=x", "unknown flag --no-color; did you mean --color?"],
    ["-x", "unknown flag -x; see --help"],
    ["-ax", "unknown flag -x; see --help"],
    ["--Port 1", "unknown flag --Port; did you mean --port?"],
    ["--constructor", "unknown flag --constructor; did you mean --color?"],
    ["--name", "--name needs a value"],
    ["-n", "-n needs a value"],
    ["-an", "-n needs a value"],
    ["--all=yes", "--all takes no value"],
    ["--mode quick", "--mode quick: must be one of fast, slow"],
    ["--port 65536", "--port 65536: must be a whole number from 0 to 65535"],
    ["--port -1", "--port -1: must be a whole number from 0 to 65535"],
    ["--port 1.5", "--port 1.5: must be a whole number from 0 to 65535"],
    ["--port 1e3", "--port 1e3: must be a whole number from 0 to 65535"],
    ["--port=", "--port : must be a whole number from 0 to 65535"],
    ["--port x", "--port x: must be a whole number from 0 to 65535"],
    ["--rate -1", "--rate -1: must be a size such as 4096, 64K, 10M or 2GiB"],
    ["--rate 1X", "--rate 1X: must be a size such as 4096, 64K, 10M or 2GiB"],
    ["--wait 1y", "--wait 1y: must be a duration such as 500ms, 30s, 5m or 2h"],
  ];
  for (const [line, message] of cases) {
    const error = assertThrows(() => parseFlags(line.split(" "), TABLE), FerryError);
    assertEquals([line, error.code, error.message], [line, "usage", message]);
  }
});

Deno.test("parseFlags() shows control characters of a flag escaped", () => {
  assertThrows(() => parseFlags(["--x\x1b[2J"], TABLE), FerryError, "\\x1b");
  assertThrows(() => parseFlags(["--port", "\n"], TABLE), FerryError, "--port \\n: must be");
});

Deno.test("parseFlags() leaves a flag whose default is null undefined unless it is given either way", () => {
  const table = { bar: { type: "boolean", default: null, about: "a bar" } } as const;
  const cases: [string[], boolean | undefined][] = [
    [[], undefined],
    [["--bar"], true],
    [["--no-bar"], false],
    [["--bar", "--no-bar"], false],
    [["--", "--bar"], undefined],
  ];
  for (const [argv, value] of cases) assertEquals([argv, parseFlags(argv, table).flags.bar], [argv, value]);
});
