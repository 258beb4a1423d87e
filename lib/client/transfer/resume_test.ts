import { assertEquals } from "@std/assert";
import {
  canResume,
  judgeResume,
  parseContentRange,
  type Position,
  rangeFrom,
  strongValidator,
} from "./resume.ts";

Deno.test("parseContentRange() reads parts and sizes, and nothing that contradicts itself", () => {
  const cases: [string | null, ReturnType<typeof parseContentRange>][] = [
    ["bytes 0-99/1000", { kind: "part", start: 0, end: 100, size: 1000 }],
    ["bytes 5-5/*", { kind: "part", start: 5, end: 6, size: undefined }],
    ["bytes */1000", { kind: "unsatisfied", size: 1000 }],
    ["bytes */*", null],
    ["bytes 9-5/10", null],
    ["bytes 0-10/10", null],
    ["items 0-1/2", null],
    ["bytes 0-1", null],
    ["bytes 0-99999999999999999999/*", null],
    [null, null],
  ];
  for (const [value, expected] of cases) assertEquals([value, parseContentRange(value)], [value, expected]);
});

Deno.test("strongValidator() takes strong ETags and old dates only", () => {
  const date = "Sun, 22 Nov 2026 10:01:00 GMT";
  const old = "Sun, 22 Nov 2026 10:00:00 GMT";
  const cases: [Record<string, string>, string | undefined][] = [
    [{ etag: '"a"' }, '"a"'],
    [{ etag: 'W/"a"', "last-modified": old, date }, undefined],
    [{ "last-modified": old, date }, old],
    [{ "last-modified": date, date }, undefined],
    [{ "last-modified": old }, undefined],
    [{ etag: "bare" }, undefined],
    [{}, undefined],
  ];
  for (const [headers, value] of cases) {
    assertEquals([headers, strongValidator(new Headers(headers))?.value], [headers, value]);
  }
});

const ETAG: Position = { start: 0, have: 40, end: 100, size: 100, validator: { kind: "etag", value: '"a"' } };
const DATE: Position = { ...ETAG, validator: { kind: "date", value: "D" } };
const CODED: Position = { ...ETAG, validator: { kind: "etag", value: '"a"', coding: "gzip" } };
const RANGE: Position = { ...ETAG, start: 10, have: 5, end: 30 };

Deno.test("judgeResume() appends only what continues the same bytes", () => {
  const cases: [Position, number, Record<string, string>, string][] = [
    [ETAG, 206, { "content-range": "bytes 40-99/100", etag: '"a"' }, "append"],
    [ETAG, 206, { "content-range": "bytes 40-99/100" }, "useless"],
    [ETAG, 206, { "content-range": "bytes 40-59/100", etag: '"a"' }, "append"],
    [ETAG, 206, { "content-range": "bytes 40-99/100", etag: '"b"' }, "useless"],
    [ETAG, 206, { "content-range": "bytes 40-99/200" }, "useless"],
    [ETAG, 206, { "content-range": "bytes 41-99/100" }, "useless"],
    [ETAG, 206, { "content-range": "bytes 0-99/100" }, "useless"],
    [ETAG, 206, {}, "useless"],
    [ETAG, 206, { "content-range": "bytes 40-99/100", etag: '"a"', "content-encoding": "gzip" }, "useless"],
    [ETAG, 200, { etag: '"a"', "content-encoding": "gzip" }, "changed"],
    [
      ETAG,
      206,
      { "content-range": "bytes 40-99/100", etag: '"a"', "content-encoding": "identity" },
      "append",
    ],
    [CODED, 206, { "content-range": "bytes 40-99/100", etag: '"a"' }, "useless"],
    [CODED, 206, { "content-range": "bytes 40-99/100", etag: '"a"', "content-encoding": "GZIP" }, "append"],
    [ETAG, 200, { etag: '"a"' }, "skip"],
    [ETAG, 200, { etag: '"b"' }, "changed"],
    [ETAG, 200, {}, "changed"],
    [DATE, 200, { "last-modified": "D" }, "changed"],
    [DATE, 206, { "content-range": "bytes 40-99/100" }, "append"],
    [DATE, 206, { "content-range": "bytes 40-99/100", "last-modified": "D" }, "append"],
    [DATE, 206, { "content-range": "bytes 40-99/100", "last-modified": "E" }, "useless"],
    [{ ...ETAG, have: 100 }, 206, { "content-range": "bytes 99-99/100", etag: '"a"' }, "append"],
    [{ ...ETAG, have: 100 }, 416, { "content-range": "bytes */100", etag: '"a"' }, "useless"],
    [ETAG, 416, { "content-range": "bytes */40" }, "useless"],
    [RANGE, 206, { "content-range": "bytes 15-29/100", etag: '"a"' }, "append"],
    [RANGE, 206, { "content-range": "bytes 15-99/100" }, "useless"],
    [ETAG, 404, {}, "useless"],
    [ETAG, 204, {}, "useless"],
  ];
  for (const [position, status, headers, kind] of cases) {
    const verdict = judgeResume(position, { status, headers: new Headers(headers) });
    assertEquals([status, headers, verdict.kind], [status, headers, kind]);
  }
  assertEquals(judgeResume(RANGE, { status: 200, headers: new Headers({ etag: '"a"' }) }), {
    kind: "skip",
    bytes: 15,
  });
});

Deno.test("canResume() wants bytes, a strong validator and a known end; rangeFrom() asks for the rest", () => {
  assertEquals(canResume(ETAG), true);
  assertEquals(canResume({ ...ETAG, have: 0 }), false);
  assertEquals(canResume({ ...ETAG, validator: undefined }), false);
  assertEquals(canResume({ ...ETAG, end: undefined }), false);
  assertEquals([rangeFrom(ETAG), rangeFrom(RANGE)], ["bytes=40-99", "bytes=15-29"]);
  assertEquals(rangeFrom({ ...ETAG, have: 100 }), "bytes=99-99");
});
