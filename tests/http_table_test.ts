/** Each row of docs/http.md names a test, and that test is there. */
import { assert } from "@std/assert";

const DOC = new URL("../docs/http.md", import.meta.url);
const PLACES = ["../tests/", "../lib/http/", "../lib/server/"].map((path) => new URL(path, import.meta.url));

/** What tests the file `name` has, as their titles are spelled in the source. */
function testsOf(name: string): string[] {
  for (const place of PLACES) {
    let source: string;
    try {
      source = Deno.readTextFileSync(new URL(name, place));
    } catch {
      continue;
    }
    return [...source.matchAll(/Deno\.test\(\s*(["'`])((?:(?!\1)[^\\]|\\.)*)\1/g)].map((match) => match[2]);
  }
  return [];
}

Deno.test("docs/http.md names an existing test in every row", () => {
  const rows = Deno.readTextFileSync(DOC).split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()))
    .filter(([first]) => first !== "RFC" && !/^-+$/.test(first));
  assert(rows.length >= 40, `${rows.length} rows`);
  const wrong: string[] = [];
  for (const cells of rows) {
    const match = /^`([a-z0-9_]+_test\.ts)`: (.+)$/.exec(cells[3] ?? "");
    if (cells.length !== 4 || match === null) wrong.push(`not a row: ${cells.join(" | ")}`);
    else if (!testsOf(match[1]).includes(match[2])) wrong.push(`no such test: ${match[1]}: ${match[2]}`);
  }
  assert(wrong.length === 0, wrong.join("\n"));
});
