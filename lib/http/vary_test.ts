import { assertEquals } from "@std/assert";
import { addVary } from "./vary.ts";

const CASES: [about: string, vary: string | undefined, more: string, wanted: string][] = [
  ["to nothing", undefined, "Accept", "Accept"],
  ["to another", "Accept", "Origin", "Accept, Origin"],
  ["what is there already, in other letters", "accept", "Accept", "accept"],
  ["to everything", "*", "Accept", "*"],
  ["a list, with spaces", "A ,B", " B, C", "A, B, C"],
];
for (const [about, vary, more, wanted] of CASES) {
  Deno.test(`addVary() adds ${about}`, () => assertEquals(addVary(vary, more), wanted));
}
