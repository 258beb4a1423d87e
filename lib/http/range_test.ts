import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { contentRange, MAX_RANGES, parseRange } from "./range.ts";

const all = (...pairs: [number, number][]) => ({
  kind: "ranges" as const,
  ranges: pairs.map(([start, end]) => ({ start, end })),
});

const CASES: [about: string, header: string, size: number, wanted: ReturnType<typeof parseRange>][] = [
  ["one range", "bytes=2-4", 10, all([2, 5])],
  ["an open end", "bytes=7-", 10, all([7, 10])],
  ["a suffix", "bytes=-3", 10, all([7, 10])],
  ["a suffix longer than the file", "bytes=-30", 10, all([0, 10])],
  ["an end beyond the file", "bytes=8-99", 10, all([8, 10])],
  ["the unit in capitals", "BYTES=0-0", 10, all([0, 1])],
  ["several, in the order asked", "bytes=8-9,0-1", 10, all([8, 10], [0, 2])],
  ["spaces and empty elements", "bytes= 0-1 , ,4-5", 10, all([0, 2], [4, 6])],
  ["overlap joined", "bytes=0-4,3-6", 10, all([0, 7])],
  ["neighbours joined", "bytes=5-6,0-4", 10, all([0, 7])],
  ["one of several beyond the end", "bytes=0-1,50-60", 10, all([0, 2])],
  ["all beyond the end", "bytes=10-,20-30", 10, { kind: "unsatisfiable" }],
  ["an empty suffix", "bytes=-0", 10, { kind: "unsatisfiable" }],
  ["an empty file", "bytes=0-", 0, { kind: "unsatisfiable" }],
  ["huge numbers", "bytes=0-99999999999999999999999", 10, all([0, 10])],
  ["the last before the first", "bytes=5-2", 10, { kind: "ignored" }],
  ["no numbers", "bytes=-", 10, { kind: "ignored" }],
  ["no ranges", "bytes=", 10, { kind: "ignored" }],
  ["another unit", "lines=0-1", 10, { kind: "ignored" }],
  ["rubbish in one of several", "bytes=0-1,x", 10, { kind: "ignored" }],
  ["a negative range", "bytes=-5-7", 10, { kind: "ignored" }],
  ["a hexadecimal number", "bytes=0x0-0x5", 10, { kind: "ignored" }],
  ["the whole file many times", "bytes=0-,0-,0-", 10, { kind: "ignored" }],
  ["too many", "bytes=" + Array(MAX_RANGES + 1).fill("0-0").join(","), 10, { kind: "ignored" }],
];

for (const [about, header, size, wanted] of CASES) {
  Deno.test(`parseRange() reads ${about}`, () => assertEquals(parseRange(header, size), wanted));
}

Deno.test("contentRange() names the bytes, or only the size", () => {
  assertEquals(contentRange({ start: 0, end: 5 }, 10), "bytes 0-4/10");
  assertEquals(contentRange(null, 10), "bytes */10");
});

Deno.test("parseRange() gives ranges within the file, apart from each other, and never more than were asked", () => {
  const spec = fc.oneof(
    fc.tuple(fc.nat(60), fc.nat(60)).map(([a, b]) => `${a}-${b}`),
    fc.nat(60).map((a) => `${a}-`),
    fc.nat(60).map((a) => `-${a}`),
    fc.constantFrom("", " ", "x", "-", "1-2-3"),
  );
  fc.assert(fc.property(fc.array(spec, { maxLength: 8 }), fc.nat(50), (specs, size) => {
    const found = parseRange(`bytes=${specs.join(",")}`, size);
    if (found.kind !== "ranges") return;
    const { ranges } = found;
    assert(ranges.length >= 1 && ranges.length <= specs.length);
    const sorted = ranges.toSorted((a, b) => a.start - b.start);
    for (const [i, { start, end }] of sorted.entries()) {
      assert(start >= 0 && start < end && end <= size, `${start} to ${end} of ${size}`);
      assert(i === 0 || sorted[i - 1].end < start, "joined where they touch");
    }
    const wanted = (at: number) =>
      specs.some((text) => {
        const [, first, last] = /^(\d*)-(\d*)$/.exec(text.trim()) ?? [];
        if (first === undefined) return false;
        if (first === "") return at >= size - Number(last);
        return at >= Number(first) && (last === "" || at <= Number(last));
      });
    for (let at = 0; at < size; at++) {
      assertEquals(ranges.some(({ start, end }) => at >= start && at < end), wanted(at), `byte ${at}`);
    }
  }));
});
