import { assertEquals, assertThrows } from "@std/assert";
import { FerryError } from "../../core/errors.ts";
import { parseRangeFlag } from "../range_flag.ts";
import { startPosition, type Wish } from "./start_position.ts";

const GET: Wish = { method: "GET", finalMethod: "GET", ownRange: false };
const RANGE: Wish = { ...GET, range: parseRangeFlag("10-19") };
const validator = { kind: "etag", value: '"a"' } as const;
const headers = (more: Record<string, string>) => new Headers({ etag: '"a"', ...more });

Deno.test("startPosition() knows the end and the validator of what can be gone on with, and of nothing else", () => {
  const whole = { "content-length": "100" };
  const part = { "content-length": "10", "content-range": "bytes 10-19/100" };
  const nothing = { start: 0, have: 0 };
  const cases: [Wish, number, Record<string, string>, ReturnType<typeof startPosition>][] = [
    [GET, 200, whole, { start: 0, have: 0, end: 100, size: 100, validator }],
    [GET, 200, {}, { start: 0, have: 0, end: undefined, size: undefined, validator }],
    [RANGE, 206, part, { start: 10, end: 20, have: 0, size: 100, validator }],
    [RANGE, 204, {}, nothing],
    [{ ...GET, ownRange: true }, 206, part, nothing],
    [{ ...GET, method: "POST" }, 200, whole, nothing],
    [{ ...GET, finalMethod: "HEAD", method: "HEAD" }, 200, whole, nothing],
    [{ ...RANGE, finalMethod: "HEAD", method: "HEAD" }, 206, part, nothing],
    [{ ...RANGE, finalMethod: "HEAD", method: "HEAD" }, 200, whole, nothing],
    [GET, 404, whole, nothing],
  ];
  for (const [wish, status, more, expected] of cases) {
    assertEquals([status, startPosition(wish, { status, headers: headers(more) })], [status, expected]);
  }
});

Deno.test("startPosition() refuses the whole for a range and a part for the whole", () => {
  const cases: [Wish, number, string][] = [[RANGE, 200, "no_ranges"], [RANGE, 206, "no_ranges"], [
    GET,
    206,
    "protocol",
  ]];
  for (const [wish, status, code] of cases) {
    const error = assertThrows(() => startPosition(wish, { status, headers: headers({}) }), FerryError);
    assertEquals([status, error.code], [status, code as typeof error.code]);
  }
});
