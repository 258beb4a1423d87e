import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { shapeProblem } from "./shape.ts";

/** What shapeProblem() counts, found out by parsing. */
function measure(value: unknown): { depth: number; marks: number } {
  if (typeof value !== "object" || value === null) return { depth: 0, marks: 0 };
  const inner = Object.values(value).map(measure);
  return {
    depth: 1 + Math.max(0, ...inner.map(({ depth }) => depth)),
    marks: 1 + Math.max(0, inner.length - 1) + inner.reduce((sum, { marks }) => sum + marks, 0),
  };
}

Deno.test("shapeProblem() counts brackets and commas, and none that stand in a text", () => {
  const text = fc.string({ unit: fc.constantFrom("[", "{", "]", "}", ",", '"', "\\", "a") });
  fc.assert(fc.property(fc.jsonValue({ stringUnit: "binary", maxDepth: 4 }), text, (value, text) => {
    const whole = { value, [text]: [text, value] };
    const { depth, marks } = measure(whole);
    const json = JSON.stringify(whole);
    assertEquals(shapeProblem(json, marks) === null, depth <= 8);
    if (depth <= 8) assertEquals(shapeProblem(json, marks - 1), `more than ${marks - 1} values`);
  }));
});

Deno.test("shapeProblem() finds what would take the parser memory, whatever stands behind it", () => {
  const many = 1_000_000;
  const cases: [string, string, string | null][] = [
    ["depth", "[".repeat(many), "nested more than 8 deep"],
    ["depth of objects", '{"a":'.repeat(many), "nested more than 8 deep"],
    ["width", "[" + "[],".repeat(many), "more than 1000 values"],
    ["numbers", "[" + "1,".repeat(many), "more than 1000 values"],
    ["a text", JSON.stringify({ a: "[{,".repeat(many) }), null],
    ["a text without an end", '{"a":"' + '\\"'.repeat(many), null],
    ["eight", "[[[[[[[[]]]]]]]]", null],
  ];
  for (const [name, json, problem] of cases) assertEquals([name, shapeProblem(json, 1000)], [name, problem]);
});
