import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { FerryError } from "../core/errors.ts";
import {
  after,
  type Ending,
  endingOf,
  type History,
  jitter,
  nextDue,
  NO_HISTORY,
  parseSchedule,
  type Schedule,
  timeZone,
} from "./schedule.ts";

const MINUTE = 60_000;
const zone = () => "Europe/Berlin";
const every = (ms: number): Schedule => ({ kind: "every", ms });
const cron = (expression: string, zone = "Europe/Berlin"): Schedule => ({ kind: "cron", expression, zone });

/** The first `count` moments of `schedule` after `from`, each run being over at once. */
function moments(schedule: Schedule, from: string, count: number): string[] {
  const found: string[] = [];
  let history: History = NO_HISTORY;
  let now = Date.parse(from);
  while (found.length < count) {
    now = nextDue(schedule, history, now)!;
    found.push(new Date(now).toISOString().replace(":00.000Z", "Z"));
    history = after(history, now, "done");
  }
  return found;
}

Deno.test("nextDue() follows a cron expression in its time zone, also when the clocks change", () => {
  const cases: [string, string, string, string[]][] = [
    ["*/15 2-5 * * *", "2026-11-23T00:50:00Z", "an ordinary night", [
      "2026-11-23T01:00Z",
      "2026-11-23T01:15Z",
      "2026-11-23T01:30Z",
    ]],
    ["*/15 2-5 * * *", "2026-11-23T04:40:00Z", "the end of the hours", [
      "2026-11-23T04:45Z",
      "2026-11-24T01:00Z",
    ]],
    ["*/15 2-5 * * *", "2026-03-29T00:00:00Z", "two to three does not exist", [
      "2026-03-29T01:00Z",
      "2026-03-29T01:15Z",
      "2026-03-29T01:30Z",
    ]],
    ["30 2 * * *", "2026-03-28T12:00:00Z", "half past two does not exist: once, when the clock jumps", [
      "2026-03-29T01:00Z",
      "2026-03-30T00:30Z",
    ]],
    ["30 2 * * *", "2026-10-24T12:00:00Z", "half past two comes twice: once", [
      "2026-10-25T00:30Z",
      "2026-10-26T01:30Z",
    ]],
    ["0 * * * *", "2026-10-24T23:30:00Z", "every hour stays every hour when one comes twice", [
      "2026-10-25T00:00Z",
      "2026-10-25T01:00Z",
      "2026-10-25T02:00Z",
    ]],
    ["0 * * * *", "2026-03-28T23:30:00Z", "and when one is missing", [
      "2026-03-29T00:00Z",
      "2026-03-29T01:00Z",
      "2026-03-29T02:00Z",
    ]],
    ["0 0 29 2 *", "2026-11-23T00:00:00Z", "a leap day", ["2028-02-28T23:00Z"]],
    ["0 0 13 * FRI", "2026-11-23T00:00:00Z", "day or weekday, as cron has it", [
      "2026-11-26T23:00Z",
      "2026-12-03T23:00Z",
      "2026-12-10T23:00Z",
      "2026-12-12T23:00Z",
    ]],
    ["@daily", "2026-11-23T00:00:00Z", "a name", ["2026-11-23T23:00Z"]],
  ];
  for (const [expression, from, name, expected] of cases) {
    assertEquals([name, ...moments(cron(expression), from, expected.length)], [name, ...expected]);
  }
  assertEquals(moments(cron("0 12 * * *", "Asia/Kolkata"), "2026-11-23T00:00:00Z", 1), ["2026-11-23T06:30Z"]);
});

Deno.test("nextDue() runs --every at once, then at its interval, and leaves out what a long run missed", () => {
  const schedule = every(5 * MINUTE);
  assertEquals(nextDue(schedule, NO_HISTORY, 1234), 1234);
  const history = after(NO_HISTORY, 0, "done");
  const cases: [number, number][] = [[10, 5], [5, 5], [5.5, 10], [14, 15], [16, 20]];
  for (const [now, due] of cases.map(([a, b]) => [a * MINUTE, b * MINUTE])) {
    assertEquals([now, nextDue(schedule, history, now)], [
      now,
      Math.max(due, Math.ceil(now / 300_000) * 300_000),
    ]);
  }
});

Deno.test("nextDue() doubles the pause after failures, up to a quarter of an hour", () => {
  const pauses = (schedule: Schedule, endings: Ending[]): number[] => {
    let history: History = NO_HISTORY;
    let now = Date.parse("2026-11-23T00:00:00Z");
    return endings.map((ending) => {
      const due = nextDue(schedule, history, now)!;
      // It takes a second to fail.
      now = due + 1000;
      history = after(history, due, ending);
      return (nextDue(schedule, history, now)! - due) / MINUTE;
    });
  };
  const failed = Array<Ending>(7).fill("failed");
  const cases: [Schedule, Ending[], number[]][] = [
    [every(MINUTE), failed, [1, 2, 4, 8, 15, 15, 15]],
    [every(5 * MINUTE), failed, [5, 10, 15, 15, 15, 15, 15]],
    [every(60 * MINUTE), failed, [60, 60, 60, 60, 60, 60, 60]],
    [every(MINUTE), ["failed", "failed", "done", "failed"], [1, 2, 1, 1]],
    [every(MINUTE), ["failed", "failed", "locked", "locked"], [1, 2, 2, 2]],
    [every(MINUTE), ["locked", "locked"], [1, 1]],
    [cron("* * * * *"), failed, [1, 2, 4, 8, 15, 15, 15]],
    [cron("*/20 * * * *"), failed, [20, 20, 20, 20, 20, 20, 20]],
  ];
  for (const [schedule, endings, expected] of cases) assertEquals(pauses(schedule, endings), expected);
});

Deno.test("nextDue() is never in the past, nor twice the same moment", () => {
  const schedule = fc.oneof(
    fc.integer({ min: 1000, max: 10 ** 8 }).map(every),
    fc.constantFrom("* * * * *", "*/15 2-5 * * *", "0 3 * * SUN").map((text) => cron(text)),
  );
  const ending = fc.constantFrom<Ending>("done", "failed", "locked");
  const start = fc.integer({ min: 1.7e12, max: 1.9e12 });
  fc.assert(
    fc.property(
      schedule,
      start,
      fc.array(fc.tuple(ending, fc.oneof(fc.constant(0), fc.nat(10 ** 7))), { maxLength: 8 }),
      (s, t, runs) => {
        let history: History = NO_HISTORY;
        let now = t, last = -1;
        for (const [ending, took] of runs) {
          const due = nextDue(s, history, now)!;
          assert(due >= now && due > last);
          last = due;
          now = due + took;
          history = after(history, due, ending);
        }
      },
    ),
  );
});

Deno.test("jitter() is a tenth of the interval, half a minute at most, and not for those who chose the time", () => {
  const ran = after(NO_HISTORY, 0, "done");
  assertEquals([0, 0.5, 1].map((random) => jitter(every(MINUTE), ran, random)), [0, 3000, 6000]);
  assertEquals(jitter(every(3600 * 1000), ran, 1), 30_000);
  assertEquals(jitter(every(MINUTE), NO_HISTORY, 1), 0);
  assertEquals(jitter(cron("* * * * *"), ran, 1), 0);
});

Deno.test("endingOf() goes on after everything but wrong use", () => {
  const endings = [0, 1, 2, 3, 6, 7, 18, 22, 23, 26, 28, 35, 41, 42, 60, 67].map(endingOf);
  assertEquals(endings, [
    "done",
    "done",
    "hopeless",
    "hopeless",
    ...Array(9).fill("failed"),
    "locked",
    "failed",
    "failed",
  ]);
});

Deno.test("parseSchedule() refuses what it cannot follow, naming the flag", () => {
  const cases: [{ every?: number; cron?: string }, string][] = [
    [{ every: 0 }, "--every"],
    [{ every: 999 }, "--every"],
    [{ every: 367 * 86_400_000 }, "--every"],
    [{ every: 1000, cron: "* * * * *" }, "--every and --cron"],
    [{ cron: "" }, "--cron"],
    [{ cron: "* * * *" }, "not 4"],
    [{ cron: "* * * * * *" }, "not 6"],
    [{ cron: "2026-12-24T18:00:00" }, "not 1"],
    [{ cron: "61 * * * *" }, "--cron 61 * * * *: "],
    [{ cron: "*/0 * * * *" }, "--cron */0"],
    [{ cron: "a b c d e" }, "--cron a b c d e"],
    [{ cron: "0 0 30 2 *" }, "there is no such day"],
    [{ cron: "@reboot" }, "--cron @reboot"],
    [{ cron: "\x1b[2J * * * *" }, "--cron \\x1b[2J"],
  ];
  for (const [flags, text] of cases) {
    const error = assertThrows(() => parseSchedule(flags, { zone }), FerryError, text);
    assertEquals(error.code, "usage");
  }
  assertEquals(parseSchedule({ every: 1000 }, { zone }), every(1000));
  assertEquals(parseSchedule({ cron: "0 3 * * *" }, { zone }), cron("0 3 * * *"));
});

Deno.test("timeZone() takes the zones that TZ can name, and refuses what would be taken for UTC", () => {
  assertEquals(timeZone("Europe/Berlin"), "Europe/Berlin");
  assertEquals(timeZone(":America/New_York"), "America/New_York");
  assertEquals(timeZone("UTC"), "UTC");
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  assertEquals(timeZone(""), "UTC");
  for (const none of [undefined, ":/etc/localtime"]) assertEquals(timeZone(none), own);
  for (const wrong of ["Mars/Base", "CET-1CEST,M3.5.0,M10.5.0/3"]) {
    assertThrows(() => timeZone(wrong), FerryError, "TZ=");
  }
});
