/** Every flag of `ferry request` is in `--help`, and a test runs the program with it. */
import { assert, assertEquals } from "@std/assert";
import { ferry } from "./harness.ts";

/** What users and scripts rely on. */
const PROMISED = (
  "output remote-name output-dir header data data-json form upload head show-headers range continue segments " +
  "mirror checksum if-newer recursive include exclude input parallel glob retry timeout connect-timeout " +
  "limit-rate user token netrc cacert pin insecure unix resolve cert key location max-redirects fail overwrite " +
  "write-out fail-early etag-save etag-compare help version quiet verbose json no-color config progress"
).split(" ");

/** A line of a flag: perhaps its letter, and its name, before which a `no-` may stand. */
const FLAG_LINE = /^ {2}(?:-(\w), | {4})--(?:\[no-\])?([a-z][a-z0-9-]*)/gm;

interface Flag {
  short?: string;
  name: string;
}

async function flagsOfHelp(): Promise<Flag[]> {
  const { code, stdout } = await ferry(["request", "--help"]);
  assertEquals(code, 0);
  return [...stdout.matchAll(FLAG_LINE)].map(([, short, name]) => ({ short, name }));
}

/** What the tests of requests run, all of it as one text. */
function testTexts(): string {
  const names = [...Deno.readDirSync(new URL(".", import.meta.url))].map(({ name }) => name)
    .filter((name) => /^(?:request_.*|flag_file)_test\.ts$/.test(name));
  assert(names.length > 5);
  return names.map((name) => Deno.readTextFileSync(new URL(name, import.meta.url))).join("\n");
}

Deno.test("ferry request --help has every flag that is promised", async () => {
  const known = new Set((await flagsOfHelp()).map(({ name }) => name));
  assertEquals(PROMISED.filter((name) => !known.has(name) && !known.has(`no-${name}`)), []);
});

Deno.test("every flag of ferry request is in a test that runs it", async () => {
  const texts = testTexts();
  const used = ({ name, short }: Flag) =>
    [`--${name}`, `--no-${name}`].some((flag) => new RegExp(`["'\` ]${flag}(?![a-z-])`).test(texts)) ||
    (short !== undefined && new RegExp(`"-${short}"`).test(texts));
  assertEquals((await flagsOfHelp()).filter((flag) => !used(flag)), []);
});

Deno.test("ferry request --version and --no-color do as everywhere", async () => {
  const version = await ferry(["request", "--version"]);
  assertEquals([version.code, /^ferry \d+\.\d+\.\d+\n$/.test(version.stdout)], [0, true]);
  // In no run is there a colour where nobody looks.
  const plain = await ferry(["request", "--no-color", "--retry", "0", "http://127.0.0.1:1/"], {
    env: { NO_COLOR: "" },
  });
  assertEquals([plain.code, plain.stderr.includes("\x1b")], [7, false]);
});
