import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  formatBytes,
  formatDurationFlag,
  formatMs,
  formatSizeFlag,
  formatTime,
  parseDuration,
  parseSize,
} from "./units.ts";

Deno.test("parseSize() reads binary and decimal units, and nothing else", () => {
  const cases: [string, number | null][] = [
    ["0", 0],
    ["4096", 4096],
    ["1b", 1],
    ["64K", 65536],
    ["64k", 65536],
    ["64KiB", 65536],
    ["64kB", 64000],
    ["1.5M", 1572864],
    ["2GiB", 2 ** 31],
    ["1MB", 1e6],
    ["1 MB", 1e6],
    ["1T", 2 ** 40],
    ["1tb", 1e12],
    [" 7 ", 7],
    ["", null],
    ["K", null],
    ["-1", null],
    ["+1", null],
    ["1e3", null],
    ["0x10", null],
    [".5K", null],
    ["1.K", null],
    ["1PB", null],
    ["1KK", null],
    ["NaN", null],
    ["Infinity", null],
    ["9".repeat(20), null],
    ["9000000T", null],
    ["1constructor", null],
  ];
  for (const [text, bytes] of cases) assertEquals([text, parseSize(text)], [text, bytes]);
});

Deno.test("parseDuration() reads units down to the millisecond, seconds without one", () => {
  const cases: [string, number | null][] = [
    ["0", 0],
    ["30", 30_000],
    ["0.5", 500],
    ["500ms", 500],
    ["30s", 30_000],
    ["1.5m", 90_000],
    ["2h", 7_200_000],
    ["1d", 86_400_000],
    [" 1s ", 1000],
    ["", null],
    ["s", null],
    ["-1s", null],
    ["1 s", null],
    ["1S", null],
    ["1w", null],
    ["1e3", null],
    ["9".repeat(18), null],
  ];
  for (const [text, ms] of cases) assertEquals([text, parseDuration(text)], [text, ms]);
});

Deno.test("formatSizeFlag() and formatDurationFlag() write what the parser reads back", () => {
  assertEquals([0, 1, 1024, 1536, 10 * 1024 ** 2, 2 ** 31].map(formatSizeFlag), [
    "0",
    "1",
    "1K",
    "1536",
    "10M",
    "2G",
  ]);
  assertEquals([0, 500, 30_000, 90_000, 300_000, 7_200_000].map(formatDurationFlag), [
    "0ms",
    "500ms",
    "30s",
    "90s",
    "5m",
    "2h",
  ]);
  fc.assert(fc.property(fc.maxSafeNat(), (n) => {
    assertEquals(parseSize(formatSizeFlag(n)), n);
    assertEquals(parseDuration(formatDurationFlag(n)), n);
  }));
});

Deno.test("formatBytes() and formatMs() are short and read well", () => {
  assertEquals([0, 1, 999, 1536, 1_234_567].map(formatBytes), ["0 B", "1 B", "999 B", "1.5 kB", "1.2 MB"]);
  assertEquals([0, 85.4, 999, 2150, 59_990, 200_000, 3_600_000].map(formatMs), [
    "0 ms",
    "85 ms",
    "999 ms",
    "2.15 s",
    "59.99 s",
    "3 min 20 s",
    "60 min 0 s",
  ]);
});

Deno.test("formatTime() says the local time and its distance from UTC", () => {
  const date = new Date("2026-11-22T10:00:00.999Z");
  for (
    const [minutes, text] of [[0, "10:00:00+00:00"], [-60, "11:00:00+01:00"], [
      210,
      "06:30:00-03:30",
    ]] as const
  ) {
    date.getTimezoneOffset = () => minutes;
    assertEquals(formatTime(date), `2026-11-22T${text}`);
  }
});
