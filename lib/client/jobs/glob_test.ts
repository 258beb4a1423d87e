import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { FerryError } from "../../core/errors.ts";
import { parseGlob } from "./glob.ts";

const targets = (pattern: string) => [...parseGlob(pattern).expand()].map(({ target }) => target);

Deno.test("parseGlob() expands ranges and sets as curl does, the last one fastest", () => {
  const cases: [pattern: string, urls: string[]][] = [
    ["http://h/plain", ["http://h/plain"]],
    ["http://h/[1-3]", ["http://h/1", "http://h/2", "http://h/3"]],
    ["http://h/[9-11]", ["http://h/9", "http://h/10", "http://h/11"]],
    ["http://h/[009-011].x", ["http://h/009.x", "http://h/010.x", "http://h/011.x"]],
    ["http://h/[0-10:5]", ["http://h/0", "http://h/5", "http://h/10"]],
    ["http://h/[1-10:4]", ["http://h/1", "http://h/5", "http://h/9"]],
    ["http://h/[7-7]", ["http://h/7"]],
    ["http://h/[a-c]", ["http://h/a", "http://h/b", "http://h/c"]],
    ["http://h/[A-E:2]", ["http://h/A", "http://h/C", "http://h/E"]],
    ["http://{a,b}.h/", ["http://a.h/", "http://b.h/"]],
    ["http://h/{,x}", ["http://h/", "http://h/x"]],
    ["http://h/{one}", ["http://h/one"]],
    ["http://h/{a,b}/[1-2]", ["http://h/a/1", "http://h/a/2", "http://h/b/1", "http://h/b/2"]],
    ["http://h/\\[1-3\\]", ["http://h/[1-3]"]],
    ["http://h/{a\\,b,c\\}}", ["http://h/a,b", "http://h/c}"]],
    ["http://h/a\\b", ["http://h/a\\b"]],
    ["http://h/?a[]=1&b[]=2", ["http://h/?a[]=1&b[]=2"]],
    ["http://[::1]:80/[1-2]", ["http://[::1]:80/1", "http://[::1]:80/2"]],
    ["http://u:p@[fe80::1%25eth0]/", ["http://u:p@[fe80::1%25eth0]/"]],
    ["http://[1-2].h/", ["http://1.h/", "http://2.h/"]],
  ];
  for (const [pattern, urls] of cases) assertEquals(targets(pattern), urls, pattern);
});

Deno.test("parseGlob() refuses what it cannot read, and says what would help", () => {
  const cases: [pattern: string, why: string][] = [
    ["http://h/[1-3", "a ] is missing"],
    ["http://h/{a,b", "a } is missing"],
    ["http://h/a]", "no [ before"],
    ["http://h/a}", "no { before"],
    ["http://h/[name]", "is no range"],
    ["http://h/[1-]", "is no range"],
    ["http://h/[a-Z]", "is no range"],
    ["http://h/[3-1]", "goes backwards"],
    ["http://h/[1-3:0]", "its step is 0"],
    ["http://h/{}", "nothing in {}"],
    ["http://h/{a,{b,c}}", "no { inside"],
    ["http://h/[0-999999999]", "more than 10000000 URLs"],
    ["http://h/[0-9999][0-9999]", "more than 10000000 URLs"],
    ["http://h/\x1b[1-2", "\\x1b"],
  ];
  for (const [pattern, why] of cases) {
    const error = assertThrows(() => parseGlob(pattern), FerryError, why);
    assertEquals(error.code, "usage");
    assertStringIncludes(error.message, "--no-glob");
  }
});

Deno.test("parseGlob() makes URLs when they are wanted", () => {
  const urls = parseGlob("http://h/[0-9999999]").expand();
  assertEquals([urls.next().value?.target, urls.next().value?.target], ["http://h/0", "http://h/1"]);
});

Deno.test("parseGlob() gives as many URLs as it says, all of them different", () => {
  const range = fc.tuple(fc.nat(50), fc.nat(50), fc.integer({ min: 1, max: 9 }));
  fc.assert(
    fc.property(fc.array(range, { maxLength: 3 }), (ranges) => {
      const glob = parseGlob("http://h/" + ranges.map(([a, b, step]) => `[${a}-${a + b}:${step}]`).join("/"));
      const urls = targets("http://h/" + ranges.map(([a, b, step]) => `[${a}-${a + b}:${step}]`).join("/"));
      assertEquals([urls.length, new Set(urls).size, glob.choices], [glob.count, glob.count, ranges.length]);
    }),
    { numRuns: 50 },
  );
});

Deno.test("parseGlob() takes any text that has nothing special in it as it is", () => {
  fc.assert(fc.property(fc.string(), (text) => {
    const plain = text.replace(/[[\]{}\\]/g, "");
    assert(targets(plain).join() === plain);
  }));
});
