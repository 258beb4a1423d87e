import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { PathHashes } from "./path_hashes.ts";
import { TakenPaths } from "./taken_paths.ts";

Deno.test("TakenPaths gives each path to one at a time, and none that is there", () => {
  const paths = new TakenPaths();
  assert(paths.take("a") && paths.take("b") && !paths.take("a"));
  paths.free("a");
  assert(paths.take("a"));
  paths.keep("a");
  paths.free("a");
  assert(!paths.take("a") && !paths.take("b"));
});

Deno.test("PathHashes has what was added, and nothing else", () => {
  fc.assert(fc.property(fc.array(fc.string({ unit: "binary" })), fc.array(fc.string()), (added, others) => {
    const hashes = new PathHashes();
    for (const path of [...added, ...added]) hashes.add(path);
    for (const path of added) assert(hashes.has(path));
    for (const path of others) assertEquals(hashes.has(path), added.includes(path));
  }));
});

Deno.test("PathHashes tells many paths apart that are much the same", () => {
  const hashes = new PathHashes();
  const paths = Array.from({ length: 100_000 }, (_, n) => `out/d${n % 100}/file-${n}.bin`);
  for (const path of paths) {
    assert(!hashes.has(path), path);
    hashes.add(path);
  }
  for (const path of paths) assert(hashes.has(path) && !hashes.has(`${path}x`), path);
});
