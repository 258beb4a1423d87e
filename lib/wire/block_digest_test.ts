import { assertEquals, assertNotEquals } from "@std/assert";
import fc from "fast-check";
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { BlockDigest, DIGEST_BLOCK_BYTES } from "./block_digest.ts";

function digestOf(...pieces: Uint8Array[]): Uint8Array {
  const digest = new BlockDigest();
  for (const piece of pieces) digest.update(piece);
  return digest.digest();
}

Deno.test("BlockDigest is the SHA-256 of the CRC-32 of each MiB", () => {
  const bytes = new Uint8Array(2 * DIGEST_BLOCK_BYTES + 5).map((_, i) => i * 7 + (i >> 8));
  const sums = createHash("sha256");
  for (let at = 0; at < bytes.length; at += DIGEST_BLOCK_BYTES) {
    const sum = new DataView(new ArrayBuffer(4));
    sum.setUint32(0, crc32(bytes.subarray(at, at + DIGEST_BLOCK_BYTES)));
    sums.update(new Uint8Array(sum.buffer));
  }
  assertEquals(digestOf(bytes), new Uint8Array(sums.digest()));
  assertEquals(digestOf(), new Uint8Array(createHash("sha256").digest()));
});

Deno.test("BlockDigest does not depend on the pieces that content comes in", () => {
  const bytes = new Uint8Array(DIGEST_BLOCK_BYTES + 300_000).map((_, i) => i ^ (i >> 7));
  const whole = digestOf(bytes);
  const cuts = fc.array(fc.nat(bytes.length), { maxLength: 6 });
  fc.assert(
    fc.property(cuts, (places) => {
      const ends = [0, ...places.sort((a, b) => a - b), bytes.length];
      assertEquals(digestOf(...ends.slice(1).map((end, i) => bytes.subarray(ends[i], end))), whole);
    }),
    { numRuns: 20 },
  );
});

Deno.test("BlockDigest tells a changed bit, a lost byte and two blocks that changed places", () => {
  const bytes = new Uint8Array(2 * DIGEST_BLOCK_BYTES).map((_, i) => i ^ (i >> 13));
  const whole = digestOf(bytes);
  const flipped = bytes.with(DIGEST_BLOCK_BYTES + 9, bytes[DIGEST_BLOCK_BYTES + 9] ^ 4);
  assertNotEquals(digestOf(flipped), whole);
  assertNotEquals(digestOf(bytes.subarray(1)), whole);
  assertNotEquals(digestOf(bytes.subarray(DIGEST_BLOCK_BYTES), bytes.subarray(0, DIGEST_BLOCK_BYTES)), whole);
});

Deno.test("BlockDigest stays right after twelve thousand pieces", () => {
  const block = new Uint8Array(DIGEST_BLOCK_BYTES / 64).map((_, i) => i * 31);
  const digest = new BlockDigest(), sums = createHash("sha256");
  const sum = new DataView(new ArrayBuffer(4));
  const whole = new Uint8Array(DIGEST_BLOCK_BYTES);
  for (let round = 0; round < 200; round++) {
    for (let piece = 0; piece < 64; piece++) {
      new DataView(block.buffer).setUint32(0, round * 64 + piece);
      digest.update(block);
      whole.set(block, piece * block.length);
    }
    sum.setUint32(0, crc32(whole));
    sums.update(new Uint8Array(sum.buffer));
  }
  assertEquals(digest.digest(), new Uint8Array(sums.digest()));
});
