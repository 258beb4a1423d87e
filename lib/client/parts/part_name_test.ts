import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { partPath } from "./part_name.ts";

const size = (path: string) => new TextEncoder().encode(path.slice(path.lastIndexOf("/") + 1)).length;

Deno.test("partPath() adds an ending, or makes room for it in a long name", () => {
  assertEquals(partPath("a"), "a.ferry-part");
  assertEquals(partPath("/x y/ü"), "/x y/ü.ferry-part");
  const fits = "d/" + "n".repeat(239);
  assertEquals(partPath(fits), fits + ".ferry-part");
  for (
    const name of ["n".repeat(240), "n".repeat(255), "é".repeat(127), "😀".repeat(63), "n".repeat(239) + "é"]
  ) {
    const part = partPath("dir/" + name);
    assert(part.startsWith("dir/") && part.endsWith(".ferry-part"), part);
    assert(size(part) <= 250 && part.isWellFormed(), `${part}: ${size(part)}`);
    assertEquals(partPath("dir/" + name), part);
    assertNotEquals(partPath("dir/" + name.slice(0, -2) + "xy"), part);
  }
});
