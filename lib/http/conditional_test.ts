import { assertEquals } from "@std/assert";
import { type Conditions, evaluate, ifRangeHolds, type Verdict } from "./conditional.ts";
import { formatHttpDate } from "./date.ts";

const MTIME = Date.UTC(2026, 10, 22, 10, 0, 0, 500);
const FILE = { etag: '"a"', mtime: MTIME };
const NOW = formatHttpDate(MTIME);
const BEFORE = formatHttpDate(MTIME - 1000);
const AFTER = formatHttpDate(MTIME + 1000);

const none: Conditions = { ifMatch: null, ifUnmodifiedSince: null, ifNoneMatch: null, ifModifiedSince: null };

const CASES: [about: string, given: Partial<Conditions>, read: Verdict, write: Verdict, missing: Verdict][] =
  [
    ["nothing", {}, "proceed", "proceed", "proceed"],
    ["If-Match of the tag", { ifMatch: '"a"' }, "proceed", "proceed", "failed"],
    ["If-Match of a list with the tag", { ifMatch: '"x", "a"' }, "proceed", "proceed", "failed"],
    ["If-Match of the weak tag", { ifMatch: 'W/"a"' }, "failed", "failed", "failed"],
    ["If-Match of another tag", { ifMatch: '"b"' }, "failed", "failed", "failed"],
    ["If-Match of anything", { ifMatch: "*" }, "proceed", "proceed", "failed"],
    ["If-Match of rubbish", { ifMatch: "a" }, "failed", "failed", "failed"],
    ["If-Unmodified-Since its date", { ifUnmodifiedSince: NOW }, "proceed", "proceed", "proceed"],
    ["If-Unmodified-Since before", { ifUnmodifiedSince: BEFORE }, "failed", "failed", "proceed"],
    ["If-Unmodified-Since rubbish", { ifUnmodifiedSince: "yesterday" }, "proceed", "proceed", "proceed"],
    [
      "If-Match before If-Unmodified-Since",
      { ifMatch: '"a"', ifUnmodifiedSince: BEFORE },
      "proceed",
      "proceed",
      "failed",
    ],
    ["If-None-Match of the tag", { ifNoneMatch: '"a"' }, "not_modified", "failed", "proceed"],
    ["If-None-Match of the weak tag", { ifNoneMatch: 'W/"a"' }, "not_modified", "failed", "proceed"],
    ["If-None-Match of another", { ifNoneMatch: '"b"' }, "proceed", "proceed", "proceed"],
    ["If-None-Match of anything", { ifNoneMatch: "*" }, "not_modified", "failed", "proceed"],
    ["If-None-Match of rubbish", { ifNoneMatch: "a" }, "proceed", "proceed", "proceed"],
    ["If-Modified-Since its date", { ifModifiedSince: NOW }, "not_modified", "proceed", "proceed"],
    ["If-Modified-Since before", { ifModifiedSince: BEFORE }, "proceed", "proceed", "proceed"],
    ["If-Modified-Since after", { ifModifiedSince: AFTER }, "not_modified", "proceed", "proceed"],
    ["If-Modified-Since rubbish", { ifModifiedSince: "0" }, "proceed", "proceed", "proceed"],
    [
      "If-None-Match before If-Modified-Since",
      { ifNoneMatch: '"b"', ifModifiedSince: AFTER },
      "proceed",
      "proceed",
      "proceed",
    ],
    [
      "If-Match failing before If-None-Match",
      { ifMatch: '"b"', ifNoneMatch: '"a"' },
      "failed",
      "failed",
      "failed",
    ],
  ];

for (const [about, given, read, write, missing] of CASES) {
  Deno.test(`evaluate() weighs ${about}`, () => {
    const conditions = { ...none, ...given };
    assertEquals(evaluate(conditions, FILE, { reading: true }), read, "reading");
    assertEquals(evaluate(conditions, FILE, { reading: false }), write, "writing");
    assertEquals(evaluate(conditions, null, { reading: false }), missing, "nothing there");
  });
}

Deno.test("evaluate() of something without a tag fails If-Match with a tag and holds with *", () => {
  const folder = { etag: null, mtime: null };
  assertEquals(evaluate({ ...none, ifMatch: '"a"' }, folder, { reading: false }), "failed");
  assertEquals(evaluate({ ...none, ifMatch: "*" }, folder, { reading: false }), "proceed");
  assertEquals(evaluate({ ...none, ifNoneMatch: "*" }, folder, { reading: false }), "failed");
});

const IF_RANGE: [string, boolean][] = [
  ['"a"', true],
  ['W/"a"', false],
  ['"b"', false],
  [NOW, true],
  [BEFORE, false],
  [AFTER, false],
  ["rubbish", false],
  ["", false],
];
for (const [header, wanted] of IF_RANGE) {
  Deno.test(`ifRangeHolds() is ${wanted} for ${header}`, () =>
    assertEquals(ifRangeHolds(header, FILE), wanted));
}
