import { assert, assertEquals } from "@std/assert";
import { inflateRawSync } from "node:zlib";
import fc from "fast-check";
import { DeflateBlocks, deflateWhole } from "./deflate.ts";

function concat(pieces: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(pieces.flatMap((piece) => [...piece]));
}

function noise(length: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length }, () => (state = Math.imul(state, 1664525) + 1013904223) >>> 24);
}

Deno.test("DeflateBlocks makes one stream of what shrinks and what does not", () => {
  const block = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.nat(150_000).map((length) => new Uint8Array(length)),
    fc.nat(150_000).map(noise),
  );
  fc.assert(
    fc.property(fc.array(block, { minLength: 1, maxLength: 5 }), (blocks) => {
      const deflate = new DeflateBlocks();
      const packed = blocks.flatMap((each, i) => deflate.add(each, i === blocks.length - 1));
      assertEquals(new Uint8Array(inflateRawSync(concat(packed))), concat(blocks));
    }),
    { numRuns: 30 },
  );
});

Deno.test("DeflateBlocks makes nothing much larger, and what shrinks small", () => {
  const size = (blocks: Uint8Array[]) => {
    const deflate = new DeflateBlocks();
    return concat(blocks.flatMap((each, i) => deflate.add(each, i === blocks.length - 1))).length;
  };
  assert(size([noise(200_000), noise(200_000)]) < 400_000 * 1.001);
  assert(size([new Uint8Array(200_000), new Uint8Array(200_000)]) < 4000);
  // It is tried again after a while.
  const later = Array.from({ length: 20 }, (_, i) => i === 0 ? noise(100_000) : new Uint8Array(100_000));
  assert(size(later) < 300_000);
});

Deno.test("deflateWhole() gives null for what does not shrink", () => {
  assertEquals(deflateWhole(new Uint8Array()), null);
  assertEquals(deflateWhole(noise(1000)), null);
  assertEquals(deflateWhole(noise(100_000)), null);
  assertEquals(inflateRawSync(deflateWhole(new Uint8Array(100_000))!).length, 100_000);
});
