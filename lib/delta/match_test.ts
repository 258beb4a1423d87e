import { assertEquals } from "@std/assert";
import { ChunkList } from "./chunk_list.ts";
import { matchChunks } from "./match.ts";

Deno.test("matchChunks() names only old bytes that are near", () => {
  const list = (...chunks: [number, number][]) => {
    const made = new ChunkList();
    for (const [length, name] of chunks) made.add(length, name);
    return made;
  };
  const k = 100_000;
  const old = list([k, 1], [k, 2], [k, 3], [k, 4], [k, 5], [k, 6], [k, 7], [k, 8], [k, 9]);
  const { copies, missing, near } = matchChunks(list([k, 1], [10, 50], [k, 9]), old);
  assertEquals(copies, [{ to: 0, from: 0, length: k }, { to: k + 10, from: 8 * k, length: k }]);
  assertEquals(missing, [{ start: k, length: 10 }]);
  // One chunk behind the first and one before the last: a megabyte that was deleted between is none of them.
  assertEquals(near, [{ start: k, length: k }, { start: 7 * k, length: k }]);
  // A name alone is not enough.
  assertEquals(matchChunks(list([k - 1, 1]), old).copies, []);
  // Right beside what is missing even what is used is near: it may come once more.
  assertEquals(matchChunks(list([k, 1], [k, 2], [5, 77]), list([k, 1], [k, 2])).near, [{
    start: k,
    length: k,
  }]);
});
