import { assertEquals, assertThrows } from "@std/assert";
import { FerryError } from "../core/errors.ts";
import { parseRangeFlag, type RangeWish, servedRange } from "./range_flag.ts";

Deno.test("parseRangeFlag() reads ranges and refuses what is none", () => {
  const cases: [string, RangeWish][] = [
    ["0-99", { kind: "from", text: "0-99", start: 0, end: 100 }],
    ["bytes=5-", { kind: "from", text: "5-", start: 5, end: undefined }],
    ["-500", { kind: "last", text: "-500", count: 500 }],
    ["0-1, 4-5", { kind: "several", text: "0-1,4-5" }],
  ];
  for (const [text, wish] of cases) assertEquals(parseRangeFlag(text), wish);
  for (const text of ["", "-", "5", "9-5", "a-b", "0-1,", "0-1;2-3", "1-2-3"]) {
    assertThrows(() => parseRangeFlag(text), FerryError, "--range");
  }
});

Deno.test("servedRange() takes only the bytes that were asked for", () => {
  const cases: [string, string, { start: number; end: number } | null][] = [
    ["0-99", "bytes 0-99/1000", { start: 0, end: 100 }],
    ["0-99", "bytes 0-49/50", { start: 0, end: 50 }],
    ["0-99", "bytes 0-100/1000", null],
    ["0-99", "bytes 1-99/1000", null],
    ["5-", "bytes 5-9/10", { start: 5, end: 10 }],
    ["-5", "bytes 5-9/10", { start: 5, end: 10 }],
    ["-5", "bytes 0-4/10", null],
    ["-50", "bytes 0-9/10", { start: 0, end: 10 }],
    ["0-99", "nonsense", null],
  ];
  for (const [wish, header, expected] of cases) {
    const headers = new Headers({ "content-range": header });
    const serve = () => servedRange(parseRangeFlag(wish), headers);
    if (expected === null) assertThrows(serve, FerryError);
    else assertEquals([wish, header, serve()], [wish, header, expected]);
  }
  assertEquals(servedRange(parseRangeFlag("0-1,4-5"), new Headers()), null);
});
