import { assertEquals } from "@std/assert";
import { relativePath } from "./placed.ts";

Deno.test("relativePath() goes up and down as far as it must", () => {
  const cases: [from: string, to: string, way: string][] = [
    ["top", "top/a", "a"],
    ["top", "top", "."],
    ["top/a/b", "top", "../.."],
    ["top/a", "top/a/b/c", "b/c"],
    ["top/a", "top/ab", "../ab"],
    ["top/a/b", "top/c/d", "../../c/d"],
  ];
  for (const [from, to, way] of cases) assertEquals(relativePath(from, to), way, `${from} to ${to}`);
});
