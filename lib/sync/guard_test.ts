import { assertEquals, assertThrows } from "@std/assert";
import { FerryError } from "../core/errors.ts";
import { checkDeletes, type DeleteLimit, parseDeleteLimit } from "./guard.ts";

Deno.test("parseDeleteLimit() reads a count or a percentage", () => {
  const cases: [string, DeleteLimit | null][] = [
    ["0", { count: 0 }],
    ["100", { count: 100 }],
    ["0%", { percent: 0 }],
    ["50%", { percent: 50 }],
    ["100%", { percent: 100 }],
    ["101%", null],
    ["-1", null],
    ["1.5", null],
    ["", null],
    ["%", null],
    ["50 %", null],
    ["1e3", null],
    ["9".repeat(16), null],
    ["all", null],
  ];
  for (const [text, limit] of cases) assertEquals([text, parseDeleteLimit(text)], [text, limit]);
});

Deno.test("checkDeletes() stops a run that deletes more than it may", () => {
  const cases: [number, number, DeleteLimit, boolean][] = [
    [0, 0, { percent: 50 }, true],
    [0, 10, { count: 0 }, true],
    [1, 10, { count: 0 }, false],
    [1, 10, { percent: 0 }, false],
    [5, 10, { percent: 50 }, true],
    [6, 10, { percent: 50 }, false],
    [5, 9, { percent: 50 }, false],
    [4, 9, { percent: 50 }, true],
    [10, 10, { percent: 100 }, true],
    [10, 10, { count: 10 }, true],
    [10, 1000, { count: 9 }, false],
  ];
  for (const [deletes, destination, limit, passes] of cases) {
    const totals = { create: 0, update: 0, delete: deletes, move: 0, bytes: 0, source: 0, destination };
    const check = () => checkDeletes(totals, limit, "/dst");
    if (passes) check();
    else {
      const error = assertThrows(check, FerryError, `${deletes} of the ${destination} entries of /dst`);
      assertEquals(error.code, "guard");
    }
  }
});
