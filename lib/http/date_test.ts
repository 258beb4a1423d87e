import { assertEquals } from "@std/assert";
import { formatHttpDate, parseHttpDate } from "./date.ts";

const WHEN = Date.UTC(1994, 10, 6, 8, 49, 37);
const NOW = Date.UTC(2026, 0, 1);

const CASES: [string, number | null][] = [
  ["Sun, 06 Nov 1994 08:49:37 GMT", WHEN],
  ["Sunday, 06-Nov-94 08:49:37 GMT", WHEN],
  ["Sun Nov  6 08:49:37 1994", WHEN],
  ["Sunday, 06-Nov-70 08:49:37 GMT", Date.UTC(2070, 10, 6, 8, 49, 37)],
  ["Sunday, 06-Nov-77 08:49:37 GMT", Date.UTC(1977, 10, 6, 8, 49, 37)],
  ["Thu, 29 Feb 2024 00:00:00 GMT", Date.UTC(2024, 1, 29)],
  ["Sun, 30 Feb 2025 00:00:00 GMT", null],
  ["Sun, 06 Nov 1994 24:00:00 GMT", null],
  ["Sun, 06 Nov 1994 08:49:37 CET", null],
  ["Sun, 6 Nov 1994 08:49:37 GMT", null],
  ["Sun, 06 Foo 1994 08:49:37 GMT", null],
  ["1994-11-06T08:49:37Z", null],
  ["784111777", null],
  ["", null],
];
for (const [text, wanted] of CASES) {
  Deno.test(`parseHttpDate() reads ${JSON.stringify(text)}`, () =>
    assertEquals(parseHttpDate(text, NOW), wanted));
}

Deno.test("formatHttpDate() gives what parseHttpDate() reads, to the second", () => {
  for (const ms of [0, WHEN, Date.UTC(2026, 1, 3, 4, 5, 6, 789)]) {
    assertEquals(parseHttpDate(formatHttpDate(ms)), ms - ms % 1000);
  }
});
