import { assert, assertEquals } from "@std/assert";
import { FerryError } from "../core/errors.ts";
import { FetchError } from "./fetch_error.ts";
import { LONGEST_RETRY_AFTER, mayRetry, parseRetryAfter, retryWait } from "./retry.ts";
import { StatusError } from "./status_error.ts";

Deno.test("parseRetryAfter() reads seconds and dates, and nothing else", () => {
  const now = Date.parse("Sun, 22 Nov 2026 10:00:00 GMT");
  const cases: [string | null, number | undefined][] = [
    ["0", 0],
    ["120", 120_000],
    ["Sun, 22 Nov 2026 10:00:30 GMT", 30_000],
    ["Sunday, 22-Nov-26 10:00:30 GMT", 30_000],
    // In no time zone but UTC, though it does not say so.
    ["Sun Nov 22 10:00:30 2026", 30_000],
    ["Sun, 22 Nov 2026 09:00:00 GMT", 0],
    ["soon", undefined],
    ["-5", undefined],
    ["1.5", undefined],
    ["", undefined],
    [null, undefined],
  ];
  for (const [value, expected] of cases) {
    assertEquals([value, parseRetryAfter(value, now)], [value, expected]);
  }
});

Deno.test("retryWait() doubles with jitter up to its limit, and obeys Retry-After within reason", () => {
  assertEquals([1, 2, 3, 4].map((attempt) => retryWait(attempt, { random: 1 })), [300, 600, 1200, 2400]);
  assertEquals(retryWait(1, { random: 0 }), 150);
  assertEquals(retryWait(1000, { random: 1 }), 30_000);
  assertEquals(retryWait(1, { retryAfter: 5000 }), 5000);
  assertEquals(retryWait(1, { retryAfter: 1e9 }), LONGEST_RETRY_AFTER);
  for (let i = 0; i < 100; i++) assert(retryWait(2) >= 300 && retryWait(2) <= 600);
});

Deno.test("mayRetry() repeats only what cannot do harm", () => {
  const fetchError = (transient: boolean, sent: boolean) =>
    new FetchError("no_connection", "x", { transient, sent });
  const cases: [unknown, string, boolean, boolean][] = [
    [fetchError(true, true), "GET", true, true],
    [fetchError(true, true), "PUT", true, true],
    [fetchError(true, true), "PUT", false, false],
    [fetchError(true, true), "POST", true, false],
    [fetchError(true, false), "POST", true, true],
    [fetchError(false, false), "GET", true, false],
    [new StatusError(503, "x"), "GET", true, true],
    [new StatusError(503, "x"), "POST", true, false],
    [new StatusError(429, "x"), "DELETE", true, true],
    [new StatusError(404, "x"), "GET", true, false],
    ...[500, 502, 503, 504, 509, 520, 408, 425, 429].map((status): [unknown, string, boolean, boolean] => [
      new StatusError(status, "x"),
      "GET",
      true,
      true,
    ]),
    ...[501, 505, 506, 507, 508, 510, 511, 416].map((status): [unknown, string, boolean, boolean] => [
      new StatusError(status, "x"),
      "GET",
      true,
      false,
    ]),
    [new FerryError("disk_full", "x"), "GET", true, false],
  ];
  for (const [error, method, rereadable, expected] of cases) {
    assertEquals([`${error}`, method, mayRetry(error, { method, rereadable })], [
      `${error}`,
      method,
      expected,
    ]);
  }
});
