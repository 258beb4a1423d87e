import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { chunkBitsFor, chunkSizes, GEAR, nextCut } from "./chunker.ts";
import { ChunkCutter, ChunkList } from "./chunk_list.ts";

/** Bytes that are the same everywhere. */
function seededBytes(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0, state = seed; i < length; i++) {
    state = Math.imul(state, 1664525) + 1013904223 | 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

function lengthsOf(bytes: Uint8Array, bits: number): number[] {
  const lengths: number[] = [];
  for (let at = 0; at < bytes.length;) {
    const cut = nextCut(bytes, at, bytes.length, chunkSizes(bits));
    lengths.push(cut - at);
    at = cut;
  }
  return lengths;
}

Deno.test("the Gear table is the one of the protocol", () => {
  assertEquals([0, 1, 2, 3, 255].map((i) => GEAR[i] >>> 0), [
    3428434182,
    4174721140,
    3776434781,
    1694629822,
    1274353159,
  ]);
});

Deno.test("nextCut() cuts where it always did", () => {
  assertEquals(lengthsOf(seededBytes(500_000), 15), [
    38311,
    33344,
    54439,
    42732,
    42238,
    35044,
    46066,
    35432,
    40168,
    37085,
    20077,
    40300,
    34764,
  ]);
  assertEquals(lengthsOf(new Uint8Array(300_000), 15), [131072, 131072, 37856]);
});

Deno.test("nextCut() keeps to the bounds, on average near the middle", () => {
  const lengths = lengthsOf(seededBytes(20_000_000, 7), 15);
  const { min, max, average } = chunkSizes(15);
  assert(lengths.slice(0, -1).every((length) => length >= min && length <= max));
  const mean = 20_000_000 / lengths.length;
  assert(mean > average * 0.8 && mean < average * 1.5, String(mean));
});

Deno.test("nextCut() comes to the same cuts again behind an insertion", () => {
  const old = seededBytes(1_000_000);
  const text = new Uint8Array(old.length + 3);
  text.set([1, 2, 3]);
  text.set(old, 3);
  const ends = (lengths: number[], shift: number) => {
    let at = -shift;
    return new Set(lengths.map((length) => at += length));
  };
  const before = ends(lengthsOf(old, 15), 0);
  const after = ends(lengthsOf(text, 15), 3);
  const same = [...before].filter((end) => after.has(end)).length;
  assert(same >= before.size - 3, `${same} of ${before.size}`);
});

Deno.test("chunkBitsFor() makes chunks larger when there would be too many", () => {
  for (const [size, bits] of [[0, 15], [1e9, 15], [10e9, 15], [20e9, 16], [1e12, 20], [1e15, 20]]) {
    assertEquals(chunkBitsFor(size), bits, String(size));
  }
});

Deno.test("ChunkCutter finds the same chunks however the content is cut into pieces", () => {
  const cut = (pieces: Uint8Array[]) => {
    const list: [number, number][] = [];
    const cutter = new ChunkCutter(chunkSizes(8), (length, name) => list.push([length, name]));
    for (const piece of pieces) {
      // The memory of a piece is used again once it was pushed.
      const copy = piece.slice();
      cutter.push(copy);
      copy.fill(0xee);
    }
    cutter.finish();
    return list;
  };
  fc.assert(fc.property(fc.nat(20_000), fc.array(fc.nat(20_000), { maxLength: 20 }), (length, cuts) => {
    const bytes = seededBytes(length, length + 1);
    const at = [0, ...cuts.map((cut) => Math.min(cut, length)).sort((a, b) => a - b), length];
    const pieces = at.slice(1).map((end, i) => bytes.subarray(at[i], end));
    const whole = cut([bytes]);
    assertEquals(cut(pieces), whole);
    assertEquals(whole.map(([size]) => size), lengthsOf(bytes, 8));
  }));
});

Deno.test("ChunkList keeps what it is given, however much it is", () => {
  const list = new ChunkList();
  for (let i = 1; i <= 1000; i++) list.add(i, 2 ** 40 - i);
  assertEquals([list.count, list.bytes], [1000, 500_500]);
  assertEquals([list.lengthAt(999), list.nameAt(999)], [1000, 2 ** 40 - 1000]);
});
