import { assertEquals } from "@std/assert";
import { EXIT_MEANINGS } from "../../cli/exit_codes.ts";
import { ERROR_TABLE } from "../../core/errors.ts";
import { worse, WORST_FIRST } from "./outcome.ts";

Deno.test("worse() gives the exit status that repeating helps least", () => {
  const cases: [statuses: number[], worst: number][] = [
    [[], 0],
    [[0, 0], 0],
    [[0, 22, 0], 22],
    [[28, 22, 7], 22],
    [[22, 67], 67],
    [[67, 43, 23], 43],
    [[1, 28], 28],
    [[43, 99, 22], 99],
  ];
  for (const [statuses, worst] of cases) {
    assertEquals(statuses.reduce(worse, 0), worst);
    assertEquals(statuses.toReversed().reduce(worse, 0), worst);
  }
});

Deno.test("every exit status that a URL can have has its place", () => {
  const ofRuns = [40, 41, 42];
  const known = new Set(
    Object.values(ERROR_TABLE).map(({ exit }) => exit as number).filter((exit) => !ofRuns.includes(exit)),
  );
  assertEquals(new Set(WORST_FIRST), known);
  for (const exit of WORST_FIRST) assertEquals(typeof EXIT_MEANINGS[exit], "string");
});
