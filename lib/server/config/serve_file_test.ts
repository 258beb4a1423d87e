import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { FlagTable } from "../../cli/flags.ts";
import { FerryError } from "../../core/errors.ts";
import { overFlags, overShareFlags, ReadServeFile } from "./serve_file.ts";

const FLAGS = {
  host: { type: "string", default: "127.0.0.1", about: "" },
  peer: { type: "list", about: "" },
  cors: { type: "list", about: "" },
  hidden: { type: "boolean", about: "" },
  "max-age": { type: "duration", about: "" },
  anonymous: { type: "string", default: "r", about: "" },
  writable: { type: "boolean", about: "" },
  config: { type: "string", about: "" },
} satisfies FlagTable;

const DEFAULTS = {
  host: "127.0.0.1",
  peer: [] as string[],
  cors: [] as string[],
  hidden: false,
  "max-age": undefined as number | undefined,
  anonymous: "r",
  writable: false,
};

Deno.test("overFlags() and overShareFlags() take what counts most: the line, the share, the file, the default", () => {
  const file = new ReadServeFile(
    "/etc/f",
    `{ "host": "::1", "peer": ["http://p"], "cors": "*", "hidden": true, "max-age": "1h", "anonymous": "none",
      "shares": [{ "folder": "a", "host": "a.example", "max-age": "2h", "hidden": false }] }`,
    FLAGS,
  );
  file.demandRight();
  const flags = { ...DEFAULTS, cors: ["https://line"] };
  const given = new Set(["cors"]);
  const over = overFlags(flags, given, file.value);
  const expected = {
    host: "::1",
    peer: ["http://p"],
    cors: ["https://line"],
    hidden: true,
    "max-age": 3_600_000,
  };
  // What a file says in its own way is not a flag's value.
  assertEquals(over, { ...expected, anonymous: "r", writable: false });
  const [share] = file.value.shares!;
  assertEquals(overShareFlags(over, given, share), { ...over, hidden: false, "max-age": 7_200_000 });
  assertEquals(overShareFlags(over, new Set(["hidden"]), share), { ...over, "max-age": 7_200_000 });
});

Deno.test("ReadServeFile.blame() says where the file has what an error is about", () => {
  const file = () => new ReadServeFile("f", '{\n  "host": "x"\n}', FLAGS);
  const error = new FerryError("usage", "--host x: no address of this machine");
  assertThrows(
    () => file().blame(error, new Set()),
    FerryError,
    'f:2:11: "host": x: no address of this machine',
  );
  // On the command line it is the flag's.
  file().blame(error, new Set(["host"]));
  file().blame(new FerryError("usage", "--peer y: is wrong"), new Set());
  file().blame(new Error("--host x: is broken"), new Set());
});

Deno.test("ReadServeFile reads whatever a file holds, and says where it is wrong", () => {
  const pieces = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    '"shares"',
    '"users"',
    '"host"',
    '"x"',
    "1",
    "true",
    "null",
    "\n",
    " ",
  ]
    .concat([
      '"folder"',
      '"\\u00"',
      '"',
      "//",
      "/*",
      "*/",
      "-",
      "é",
      "\uD800",
      "\0",
      '"__proto__"',
      '"cors"',
      '"*"',
    ]);
  const text = fc.array(fc.constantFrom(...pieces), { maxLength: 40 }).map((parts) => parts.join(""));
  fc.assert(fc.property(text, (text) => {
    const lines = text.split("\n");
    try {
      new ReadServeFile("f", text, FLAGS).demandRight();
    } catch (error) {
      if (!(error instanceof FerryError)) throw error;
      const [, ...mistakes] = error.message.split("\n");
      for (const mistake of mistakes.filter((line) => line.startsWith("f:"))) {
        const [, line, column] = mistake.split(":").map(Number);
        assertEquals(column >= 1 && column <= lines[line - 1].length + 1, true, mistake);
      }
    }
  }));
  const deep = () => new ReadServeFile("f", "[".repeat(200_000), FLAGS).demandRight();
  assertThrows(deep, FerryError, "f:1:1: the file is nested too deeply");
});
