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

Deno.test("TakenPaths knows a file by all the names of its folder", () => {
  const dir = Deno.makeTempDirSync();
  try {
    Deno.mkdirSync(`${dir}/sub`);
    Deno.symlinkSync("sub", `${dir}/link`);
    const paths = new TakenPaths();
    assert(paths.take(`${dir}/f`) && paths.take("f") && paths.take(`${dir}/sub/f`));
    for (
      const same of [`${dir}/./f`, `${dir}//f`, `${dir}/sub/../f`, `${dir}/link/f`, "./f", `${Deno.cwd()}/f`]
    ) {
      assert(!paths.take(same), same);
    }
    paths.keep(`${dir}/sub/f`);
    paths.free(`${dir}/./f`);
    assert(paths.take(`${dir}/link/../f`) && !paths.take(`${dir}/link/f`));
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
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
