/**
 * The JSON schema and the manual of `ferry serve --config` say what the program reads: both are made from the table that
 * it reads by. `UPDATE_DOCS=1` writes them anew; `deno fmt` does the rest.
 */
import { Validator } from "@cfworker/json-schema";
import { assert, assertEquals } from "@std/assert";
import { SERVE_FLAGS } from "../cmd/serve_flags.ts";
import { jsonSchema } from "../lib/server/config/json_schema.ts";
import { keyTable } from "../lib/server/config/manual.ts";
import {
  LINE_FLAGS,
  OWN_FLAGS,
  ReadServeFile,
  serveKeys,
  serveShape,
} from "../lib/server/config/serve_file.ts";

const SCHEMA_FILE = new URL("../ferry.schema.json", import.meta.url);
const MANUAL = new URL("../docs/configuration.md", import.meta.url);
const UPDATE = Deno.env.get("UPDATE_DOCS") === "1";

const HOW = "a flag was changed: run UPDATE_DOCS=1 deno test -A tests/config_docs_test.ts, then deno fmt";

const SCHEMA = jsonSchema(serveShape(SERVE_FLAGS), "The configuration of ferry serve");

Deno.test("ferry.schema.json is the schema of what is read", () => {
  if (UPDATE) Deno.writeTextFileSync(SCHEMA_FILE, JSON.stringify(SCHEMA, null, 2) + "\n");
  assertEquals(JSON.parse(Deno.readTextFileSync(SCHEMA_FILE)), JSON.parse(JSON.stringify(SCHEMA)), HOW);
});

Deno.test("docs/configuration.md has every key, with what it takes", () => {
  const keys = serveKeys(SERVE_FLAGS);
  for (const [name, table] of Object.entries({ file: keys.file, share: keys.share, user: keys.user })) {
    const begin = `<!-- keys of a ${name} -->\n`;
    const end = `<!-- end of keys of a ${name} -->\n`;
    const text = Deno.readTextFileSync(MANUAL);
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    assert(from !== -1 && to > from, `${begin} and ${end} are in the manual`);
    const made = `\n${keyTable(table)}\n`;
    if (UPDATE) Deno.writeTextFileSync(MANUAL, text.slice(0, from + begin.length) + made + text.slice(to));
    else assertEquals(cells(text.slice(from + begin.length, to)), cells(made), HOW);
  }
});

/** The cells of a table, however it is laid out. */
function cells(table: string): string[] {
  return table.trim().split("\n").filter((line) => !/^[|\s-]+$/.test(line)).map((line) =>
    line.replace(/\s+/g, " ")
  );
}

Deno.test("every flag of serve can be said in a file, under its name or in another way", () => {
  const keys = Object.keys(serveKeys(SERVE_FLAGS).file);
  for (const name of Object.keys(SERVE_FLAGS)) {
    assert(keys.includes(name) || LINE_FLAGS.includes(name) || OWN_FLAGS.includes(name), name);
  }
});

Deno.test("the schema and the program agree on what is right", () => {
  const validator = new Validator(SCHEMA, "7");
  const hash = "$scrypt$ln=15,r=8,p=1$c2FsdHNhbHRzYWx0$c2FsdHNhbHRzYWx0c2FsdHNhbHRzYWx0c2FsdHNhbHQ";
  const share = { folder: "/srv" };
  const cases: [right: boolean, value: unknown][] = [
    [true, {}],
    [true, { $schema: "x", port: 0, host: "::1", log: "json", compress: false, cors: ["*"], peer: [] }],
    [true, { cors: "*", "max-upload": "10M", "max-age": 5 }],
    [true, { "max-upload": 1.5, "max-age": "1.5h" }],
    [true, { users: { ann: { password: hash, rules: { "/": "r", "/in": "none" } } }, anonymous: "none" }],
    [true, {
      shares: [share, { ...share, path: "/x/", host: ["a.example", "[::1]"], users: { ann: "rwds" } }],
    }],
    [false, []],
    [false, null],
    [false, { prot: 1 }],
    [false, { port: -1 }],
    [false, { port: 65536 }],
    [false, { port: 1.5 }],
    [false, { port: "1" }],
    [false, { log: "xml" }],
    [false, { compress: 1 }],
    [false, { compress: null }],
    [false, { index: "" }],
    [false, { cors: [1] }],
    [false, { cors: {} }],
    [false, { "max-upload": "10Q" }],
    [false, { "max-upload": -1 }],
    [false, { "max-age": "soon" }],
    [false, { anonymous: "rx" }],
    [false, { anonymous: { "x": "r" } }],
    [false, { users: { "a:b": { password: hash } } }],
    [false, { users: { ann: { rules: "r" } } }],
    [false, { users: { ann: hash } }],
    [false, { shares: [{}] }],
    [false, { shares: [1] }],
    [false, { shares: [{ ...share, port: 1 }] }],
    [false, { shares: [{ ...share, host: "a/b" }] }],
    [false, { shares: [{ ...share, path: "x" }] }],
  ];
  for (const [right, value] of cases) {
    const text = JSON.stringify(value);
    const bySchema = validator.validate(value).valid;
    let byProgram = true;
    try {
      new ReadServeFile("f", text, SERVE_FLAGS).demandRight();
    } catch {
      byProgram = false;
    }
    assertEquals([bySchema, byProgram], [right, right], text);
  }
});
