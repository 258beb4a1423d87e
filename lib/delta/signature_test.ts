import { assert, assertEquals } from "@std/assert";
import { noise } from "./samples.ts";
import {
  blockBitsFor,
  blockOffsets,
  FACTOR,
  leavingFactor,
  MAX_BLOCKS,
  strongBytesFor,
  strongHash,
  strongMask,
  weakHash,
} from "./signature.ts";

Deno.test("the weak hash rolls: what leaves the window counts by leavingFactor()", () => {
  const bytes = noise(1000, 5);
  for (const length of [1, 16, 256]) {
    let hash = weakHash(bytes, 0, length);
    for (let at = 1; at + length <= bytes.length; at++) {
      const gone = Math.imul(bytes[at - 1], leavingFactor(length));
      hash = Math.imul(hash, FACTOR) + bytes[at + length - 1] - gone >>> 0;
      assertEquals(hash, weakHash(bytes, at, length));
    }
  }
});

Deno.test("the hashes are the ones of the protocol", () => {
  const bytes = noise(256, 1);
  assertEquals(weakHash(bytes, 0, 256), 4000958819);
  assertEquals(strongHash(new DataView(bytes.buffer), 0, 256), { high: 2456863774, low: 2180763471 });
});

Deno.test("strongMask() keeps so many bytes", () => {
  const cases: [number, number, number][] = [
    [2, 0xffff0000, 0],
    [4, 0xffffffff, 0],
    [5, 0xffffffff, 0xff000000],
    [8, 0xffffffff, 0xffffffff],
  ];
  for (const [bytes, high, low] of cases) assertEquals(strongMask(bytes), { high, low });
});

Deno.test("sizes of blocks and hashes follow what they have to cover", () => {
  for (const [bytes, bits] of [[0, 8], [1e6, 8], [200e6, 8], [512e6, 10], [10e9, 14], [1e13, 20]]) {
    assertEquals(blockBitsFor(bytes), bits, String(bytes));
    if (bits < 20) assert(bytes / 2 ** bits < MAX_BLOCKS);
  }
  for (
    const [blocks, searched, most] of [[0, 0, 2], [100, 50_000, 2], [260_000, 66e6, 3], [2 ** 20, 2 ** 40, 5]]
  ) {
    assertEquals(strongBytesFor(blocks, searched), most);
  }
  const ranges = [{ start: 5, length: 15 }, { start: 100, length: 16 }, { start: 200, length: 40 }];
  assertEquals([...blockOffsets(ranges, 16)], [100, 200, 216, 224]);
});
