import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { FerryError } from "../../core/errors.ts";
import type { Entry } from "../../core/entry.ts";
import { type Found, type Known, mergeFound, mergeTold, readRow, summarize, writeRow } from "./row.ts";

const file = (size: number, mtime = 1000): Entry => ({ kind: "file", size, mtime, mode: 0o644 });
const found = (name: string, entry: Entry, ctime = 5000, ino = 7): Found => ({ name, entry, ctime, ino });

/** Numbers from 11 on. */
function counter(): () => number {
  let seq = 10;
  return () => ++seq;
}

const HASH = "ab".repeat(32);
const was: Known = { ...found("f", file(1)), seq: 3, sha256: HASH };

Deno.test("mergeFound() keeps number and hash only of what is the same", () => {
  const cases: [
    string,
    Found[],
    Partial<Known>[],
    { changed: boolean; restated: boolean; gone: string[] },
  ][] = [
    ["the same", [found("f", file(1))], [{ seq: 3, sha256: HASH }], {
      changed: false,
      restated: false,
      gone: [],
    }],
    ["another size", [found("f", file(2))], [{ seq: 11, sha256: null }], {
      changed: true,
      restated: false,
      gone: [],
    }],
    ["another time", [found("f", file(1, 1001))], [{ seq: 11, sha256: null }], {
      changed: true,
      restated: false,
      gone: [],
    }],
    ["another ctime", [found("f", file(1), 6000)], [{ seq: 3, sha256: null }], {
      changed: false,
      restated: true,
      gone: [],
    }],
    ["another inode", [found("f", file(1), 5000, 8)], [{ seq: 3, sha256: null }], {
      changed: false,
      restated: true,
      gone: [],
    }],
    [
      "another kind",
      [found("f", { kind: "symlink", target: "x", mtime: 1000 })],
      [{ seq: 11, sha256: null }],
      {
        changed: true,
        restated: false,
        gone: [],
      },
    ],
    ["nothing", [], [], { changed: true, restated: false, gone: ["f"] }],
    [
      "one more",
      [found("g", file(1)), found("f", file(1))],
      [{ name: "f", seq: 3 }, { name: "g", seq: 11 }],
      {
        changed: true,
        restated: false,
        gone: [],
      },
    ],
  ];
  for (const [label, now, known, rest] of cases) {
    const merged = mergeFound([was], now, counter());
    assertEquals(merged.known.map((entry, at) => ({ ...entry, ...known[at] })), merged.known, label);
    assertEquals({ changed: merged.changed, restated: merged.restated, gone: merged.gone }, rest, label);
  }
});

const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 })
  .filter((text) => !/[/\0]/.test(text) && text !== "." && text !== ".." && text !== ".ferry");
const time = fc.integer({ min: -1e12, max: 1e13 });
const entry: fc.Arbitrary<Entry> = fc.oneof(
  fc.record({
    kind: fc.constant("file" as const),
    size: fc.nat(),
    mtime: time,
    mode: fc.integer({ min: 0, max: 0o777 }),
  }),
  fc.record({ kind: fc.constant("symlink" as const), mtime: time, target: name }),
  fc.record({
    kind: fc.constant("problem" as const),
    code: fc.constant("unreadable" as const),
    message: fc.string(),
  }),
);

Deno.test("a row that was written reads as what it was", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.record({ name, entry, ctime: time, ino: fc.nat() }), {
        selector: (item) => item.name,
      }),
      (list) => {
        const { known } = mergeFound([], list, counter());
        assertEquals(readRow(writeRow(known)), known);
      },
    ),
    { numRuns: 200 },
  );
});

Deno.test("readRow() refuses what it did not write", () => {
  const good = writeRow([was, { ...was, name: "g" }]);
  assertEquals(readRow(good).length, 2);
  const entries = JSON.parse(good.entries);
  const stats = JSON.parse(good.stats);
  const cases: [string, unknown, unknown][] = [
    ["no list", {}, stats],
    ["stats for one more", entries, [...stats, 1, 2, 3, 0]],
    ["stats for one less", entries, stats.slice(4)],
    ["out of order", [entries[1], entries[0]], stats],
    ["twice", [entries[0], entries[0]], stats],
    ["a folder", [["d", "d", 1, 0o755], entries[1]], stats],
    ["a name with a slash", [["a/b", "f", 1, 1, 0], entries[1]], stats],
    ["a negative size", [["f", "f", -1, 1, 0], entries[1]], stats],
    ["a number that is none", entries, ["3", ...stats.slice(1)]],
    ["a hash that is none", entries, [3, 5000, 7, "AB", ...stats.slice(4)]],
  ];
  for (const [label, entries, stats] of cases) {
    const row = { entries: JSON.stringify(entries), stats: JSON.stringify(stats) };
    assertEquals(assertThrows(() => readRow(row), FerryError).code, "protocol", label);
  }
  assertThrows(() => readRow({ entries: "[", stats: "[]" }), FerryError);
});

Deno.test("summarize() counts files, and has no digest where there is a problem", () => {
  const link: Known = { ...was, name: "l", entry: { kind: "symlink", target: "f", mtime: 1 } };
  const { own, files, count } = summarize([was, link]);
  assertEquals([files, count, own?.length], [1, 2, 64]);
  const problem: Known = { ...was, name: "p", entry: { kind: "problem", code: "unreadable", message: "" } };
  assertEquals(summarize([was, problem]), { own: null, files: 1, count: 2 });
});

Deno.test("mergeTold() gives what mergeFound() gives of all of them", () => {
  const names = fc.uniqueArray(fc.constantFrom("a", "b", "B", "c", "ä", "z", "zz", ".x"));
  const sizes = fc.dictionary(fc.constantFrom("a", "b", "c", "ä", "zz", "new"), fc.nat(3));
  fc.assert(fc.property(names, sizes, (before, changes) => {
    const known = before.toSorted().map((name, at): Known => ({
      ...found(name, file(1)),
      seq: at,
      sha256: HASH,
    }));
    // A size of 3 stands for nothing being there any more.
    const told = new Set(Object.keys(changes));
    const there = [...told].filter((name) => changes[name] !== 3);
    const now = there.map((name) => found(name, file(changes[name])));
    const all = [...known.filter(({ name }) => !told.has(name)), ...now.map((one) => ({ ...one }))];
    const whole = mergeFound(known, all, counter());
    const part = mergeTold(known, { told, found: now }, counter());
    assertEquals({ ...part, gone: part.gone.toSorted() }, { ...whole, gone: whole.gone.toSorted() });
  }));
});
