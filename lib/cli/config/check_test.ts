import { assertEquals } from "@std/assert";
import type { FlagTable } from "../flags.ts";
import { checkDocument } from "./check.ts";
import { formatMistakes, parseDocument } from "./document.ts";
import type { Shape } from "./shape.ts";

const FLAGS = {
  open: { type: "boolean", about: "" },
  port: { type: "integer", min: 0, max: 65535, about: "" },
  size: { type: "size", about: "" },
  wait: { type: "duration", about: "" },
  mode: { type: "string", choices: ["fast", "slow"], about: "" },
  name: { type: "string", check: (text) => text.includes("/") ? "must have no slash" : null, about: "" },
  file: { type: "string", path: true, about: "" },
  peer: { type: "list", check: (text) => text === "bad" ? "must be good" : null, about: "" },
} satisfies FlagTable;

const SHAPE: Shape = {
  kind: "object",
  keys: {
    ...Object.fromEntries(
      Object.entries(FLAGS).map(([name, flag]) => [name, { shape: { kind: "flag", flag }, about: "" }]),
    ),
    rules: {
      shape: {
        kind: "either",
        of: [{ kind: "text", what: "permissions" }, {
          kind: "map",
          key: { kind: "text", what: "a path that starts with a slash", pattern: /^\// },
          of: { kind: "text", what: "permissions" },
        }],
      },
      about: "",
    },
    shares: {
      shape: {
        kind: "list",
        of: {
          kind: "object",
          keys: { dir: { shape: { kind: "text", what: "a folder", path: true }, about: "", required: true } },
        },
      },
      about: "",
    },
  },
};

function check(text: string) {
  const { value, mistakes } = checkDocument(parseDocument(text), SHAPE, "/etc");
  return { value, mistakes: formatMistakes("f", mistakes) };
}

Deno.test("checkDocument() gives values as flags give them", () => {
  const { value, mistakes } = check(`{
    "open": true, "port": 0, "size": "1K", "wait": "2s", "mode": "slow", "name": "n",
    "file": "x/y", "peer": ["a", "b"], "rules": {"/a": "r"}, "shares": [{"dir": "/d"}, {"dir": "e"}],
  }`);
  assertEquals(mistakes, []);
  assertEquals(value, {
    open: true,
    port: 0,
    size: 1024,
    wait: 2000,
    mode: "slow",
    name: "n",
    file: "/etc/x/y",
    peer: ["a", "b"],
    rules: new Map([["/a", "r"]]),
    shares: [{ dir: "/d" }, { dir: "/etc/e" }],
  });
  assertEquals(check('{"size": 10, "wait": 1.5, "peer": "a", "rules": "r"}').value, {
    size: 10,
    wait: 1500,
    peer: ["a"],
    rules: "r",
  });
});

Deno.test("checkDocument() names every mistake where it stands", () => {
  const cases: [text: string, mistakes: string[]][] = [
    ["", ["f:1:1: the file is empty; {} is the least"]],
    ["[]", ["f:1:1: the configuration must be an object, not a list"]],
    ['{"prot": 1}', ['f:1:2: there is no key "prot" here; did you mean "port"?']],
    ['{"__proto__": 1}', ['f:1:2: there is no key "__proto__" here; did you mean "port"?']],
    ['{"port": 1,\n "port": 2}', ['f:2:2: the key "port" comes twice, first in line 1']],
    ['{"port": "1"}', ['f:1:10: "port" must be a whole number from 0 to 65535, not a text']],
    ['{"port": 1.5}', ['f:1:10: "port" must be a whole number from 0 to 65535, not 1.5']],
    ['{"port": 70000}', ['f:1:10: "port" must be a whole number from 0 to 65535, not 70000']],
    ['{"open": 1}', ['f:1:10: "open" must be true or false, not a number']],
    ['{"open": null}', ['f:1:10: "open" must be true or false, not null']],
    ['{"size": "1X"}', [
      'f:1:10: "size" must be a size such as "64K", "10M" or "2GiB", or a number of bytes, not "1X"',
    ]],
    ['{"wait": -1}', [
      'f:1:10: "wait" must be a duration such as "500ms", "30s" or "5m", or a number of seconds, not -1',
    ]],
    ['{"mode": "fest"}', ['f:1:10: "mode" must be one of "fast", "slow", not "fest"; did you mean "fast"?']],
    ['{"name": "a/b"}', ['f:1:10: "name" must have no slash']],
    ['{"name": ""}', ['f:1:10: "name" must not be empty']],
    ['{"peer": ["a", "bad", 3]}', [
      'f:1:16: item 2 of "peer" must be good',
      'f:1:23: item 3 of "peer" must be a text, not a number',
    ]],
    ['{"rules": {"a": "r", "/b": 1}}', [
      'f:1:12: "a" must be a path that starts with a slash',
      'f:1:28: "/b" must be permissions, not a number',
    ]],
    ['{"rules": 1}', [
      'f:1:11: "rules" must be permissions, or an object whose keys are each a path that starts with a slash, not a number',
    ]],
    ['{"shares": [{}, {"dir": ""}]}', [
      'f:1:13: the key "dir" is missing',
      'f:1:25: "dir" must not be empty',
    ]],
    // Of a file that could not be read whole, nothing is said to be missing.
    ['{"port": 99999, "shares": [{]}', [
      'f:1:10: "port" must be a whole number from 0 to 65535, not 99999',
      "f:1:29: a key in double quotes is missing",
    ]],
  ];
  for (const [text, mistakes] of cases) assertEquals(check(text).mistakes, mistakes, text);
});
