import { assertEquals } from "@std/assert";
import { median, ratio, significant, summarise } from "./stats.ts";

Deno.test("median() takes the middle, or the mean of the two in the middle", () => {
  const cases: [number[], number][] = [
    [[7], 7],
    [[3, 1, 2], 2],
    [[4, 1, 3, 2], 2.5],
    [[10, 9, 100], 10],
    [[], NaN],
  ];
  for (const [values, expected] of cases) assertEquals(median(values), expected);
});

Deno.test("median() leaves the samples in their order", () => {
  const values = [3, 1, 2];
  median(values);
  assertEquals(values, [3, 1, 2]);
});

Deno.test("summarise() gives null when there is no sample", () => {
  assertEquals(summarise([]), null);
  assertEquals(summarise([2, 1, 6]), { median: 2, min: 1, max: 6, rounds: 3 });
});

Deno.test("ratio() compares medians and is null when one side has no sample or is zero", () => {
  assertEquals(ratio([1, 2, 3], [4, 4]), 0.5);
  assertEquals(ratio([], [1]), null);
  assertEquals(ratio([1], []), null);
  assertEquals(ratio([1], [0]), null);
});

Deno.test("significant() keeps three digits", () => {
  const cases: [number, string][] = [
    [0.6517, "0.652"],
    [3.1, "3.10"],
    [57, "57.0"],
    [999.4, "999"],
    [57_432, "57,400"],
    [1_262, "1,260"],
    [0, "0"],
    [NaN, "-"],
  ];
  for (const [value, expected] of cases) assertEquals(significant(value), expected);
});
