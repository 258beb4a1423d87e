import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { type Listing, NoListing } from "./listed.ts";
import { JsonListingParser } from "./listing_json.ts";

function parse(...pieces: string[]): Listing | null {
  const parser = new JsonListingParser();
  for (const piece of pieces) parser.write(piece);
  return parser.end();
}

const NGINX = '{"name":"a","type":"file","mtime":"Tue, 14 Nov 2023 22:13:20 GMT","size":5}';

Deno.test("JsonListingParser takes empty folders in the words of each server", () => {
  for (const text of ["[]", "[\n]\n", '{"path":"/a/","entries":[]}\n', " null\n", '{"entries":[ ]}']) {
    assertEquals(parse(text)?.entries, [], text);
  }
});

Deno.test("JsonListingParser gives null, or throws, for JSON that is no listing", () => {
  const none = [
    "",
    "nul",
    "[",
    `[${NGINX}`,
    `[${NGINX}]x`,
    `[${NGINX}]}`,
    '{"path":"/","entries":[]',
    '{"a":1}',
  ];
  for (const text of none) assertEquals(parse(text), null, text);
  const thrown = [
    "x",
    "[1]",
    '["a"]',
    "[{}]",
    '[{"name":"a"}]',
    '[{"name":1,"kind":"file","mtime":"x"}]',
    "[{a}]",
    "[[]]",
  ];
  for (const text of thrown) assertThrows(() => parse(text), NoListing);
  assertThrows(() => parse(`[{"name":"${"x".repeat(70_000)}`), NoListing);
  assertThrows(() => parse(`{"path":"${"x".repeat(70_000)}`), NoListing);
  assertThrows(() => parse(`[${NGINX}] `, "x".repeat(70_000)), NoListing);
});

Deno.test("JsonListingParser counts on sizes and times only where both are exact", () => {
  const cases: [entry: string, size?: number, mtime?: number][] = [
    [NGINX, 5, 1_700_000_000_000],
    ['{"name":"a","type":"file","mtime":"yesterday","size":5}'],
    ['{"name":"a","type":"file","mtime":"Tue, 14 Nov 2023 22:13:20 GMT","size":-1}'],
    ['{"name":"a","type":"file","mtime":"Tue, 14 Nov 2023 22:13:20 GMT","size":1e300}'],
    ['{"name":"a","kind":"file","mtime":"2023-11-14T22:13:20.123Z","size":0}', 0, 1_700_000_000_123],
    ['{"name":"a","kind":"file","mtime":"2023-99-99T00:00:00Z","size":0}'],
    [
      '{"name":"a","is_dir":false,"mod_time":"2023-11-14T22:13:20.123456789Z","size":7}',
      7,
      1_700_000_000_123,
    ],
    ['{"name":"a","is_dir":false,"is_symlink":true,"mod_time":"2023-11-14T22:13:20Z","size":7}'],
  ];
  for (const [entry, size, mtime] of cases) {
    const [listed] = parse(`[${entry}]`)!.entries;
    assertEquals([listed.name, listed.kind, listed.size, listed.mtime], ["a", "file", size, mtime], entry);
  }
});

Deno.test("JsonListingParser takes no name that is more than a name, and each once", () => {
  const entry = (name: string, kind = "file") =>
    JSON.stringify({ name, kind, size: 1, mtime: "2023-11-14T22:13:20.000Z" });
  const bad = [
    "../x",
    "..",
    ".",
    "",
    "/etc/passwd",
    "a/b",
    "a\\b",
    "a\0b",
    "\ud800",
    "x".repeat(256),
    "a.ferry-part",
  ];
  const names = [...bad, "fine", "fine", ".ferry"];
  const listing = parse(
    `{"entries":[${names.map((name) => entry(name)).join(",")},${entry("fine", "dir")}]}`,
  )!;
  assertEquals(listing.entries.map(({ name }) => name), ["fine"]);
  assertEquals(listing.refused.map(({ name }) => name), [...bad, "fine"]);
});

Deno.test("JsonListingParser reads any names, however the text is cut", () => {
  const name = fc.string({ unit: "binary", minLength: 1, maxLength: 20 })
    .filter((name) => !/[/\\\0]|^\.\.?$|ferry/.test(name));
  const names = fc.uniqueArray(name, { maxLength: 8 });
  fc.assert(
    fc.property(names, fc.integer({ min: 1, max: 40 }), (names, size) => {
      const text = JSON.stringify(
        names.map((name) => ({ name, is_dir: false, size: 1, mod_time: "2023-11-14T22:13:20Z" })),
      );
      const pieces = text.match(new RegExp(`[^]{1,${size}}`, "g"))!;
      assertEquals(parse(...pieces)!.entries.map(({ name }) => name), names);
    }),
    { numRuns: 50 },
  );
});
