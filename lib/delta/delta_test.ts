/** The parts of a delta together: whatever the two versions are, the new one comes out, and no peer makes it hard. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { FerryError } from "../core/errors.ts";
import { chunkSizes } from "./chunker.ts";
import { ChunkCutter, ChunkList } from "./chunk_list.ts";
import { InstructionReader, InstructionWriter, MAX_LITERAL_BYTES } from "./instructions.ts";
import { matchChunks } from "./match.ts";
import { Searcher } from "./search.ts";
import {
  blockBitsFor,
  blockOffsets,
  FACTOR,
  leavingFactor,
  MAX_BLOCKS,
  newSignatures,
  type Signatures,
  strongBytesFor,
  strongHash,
  strongMask,
  weakHash,
} from "./signature.ts";

interface Sizes {
  chunkBits: number;
  blockBytes: number;
  /** What the sender reads at a time. */
  window: number;
}

const SMALL: Sizes = { chunkBits: 8, blockBytes: 16, window: 100 };

function listOf(bytes: Uint8Array, bits: number): ChunkList {
  const list = new ChunkList();
  const cutter = new ChunkCutter(chunkSizes(bits), (length, name) => list.add(length, name));
  cutter.push(bytes);
  cutter.finish();
  return list;
}

function sign(bytes: Uint8Array, offsets: Float64Array, blockBytes: number, strongBytes: number): Signatures {
  const signatures = newSignatures(offsets.length, blockBytes, strongBytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const mask = strongMask(strongBytes);
  offsets.forEach((offset, i) => {
    signatures.weak[i] = weakHash(bytes, offset, blockBytes);
    const { high, low } = strongHash(view, offset, blockBytes);
    signatures.high[i] = high & mask.high;
    signatures.low[i] = low & mask.low;
  });
  return signatures;
}

/** What `wanted` becomes by way of a delta to `old`, and how many bytes of it travelled as they are. */
function throughDelta(old: Uint8Array, wanted: Uint8Array, { chunkBits, blockBytes, window }: Sizes = SMALL) {
  const { copies, missing, near } = matchChunks(listOf(wanted, chunkBits), listOf(old, chunkBits));
  const offsets = blockOffsets(near, blockBytes);
  const blocks: Uint8Array[] = [];
  const writer = new InstructionWriter((block) => blocks.push(block));
  const searcher = new Searcher(sign(old, offsets, blockBytes, 8));
  for (const { start, length } of missing) {
    for (let at = start, end = start + length; at < end;) {
      const stop = Math.min(end, at + window);
      at += searcher.scan(wanted.subarray(at, stop), stop === end, writer);
    }
  }
  writer.flush();
  const filled: Uint8Array[] = [];
  let literal = 0;
  const reader = new InstructionReader(offsets.length);
  for (const block of blocks) {
    for (const instruction of reader.read(block)) {
      if (instruction.kind === "literal") {
        literal += instruction.bytes.length;
        filled.push(instruction.bytes);
        continue;
      }
      for (let i = 0; i < instruction.count; i++) {
        const offset = offsets[instruction.block + i];
        filled.push(old.subarray(offset, offset + blockBytes));
      }
    }
  }
  const stream = concat(filled);
  const result = new Uint8Array(wanted.length).fill(0xaa);
  for (const { to, from, length } of copies) result.set(old.subarray(from, from + length), to);
  let at = 0;
  for (const { start, length } of missing) result.set(stream.subarray(at, at += length), start);
  assertEquals(at, stream.length);
  return { result, literal };
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function noise(length: number, seed: number): Uint8Array {
  let state = seed | 1;
  return Uint8Array.from({ length }, () => (state = Math.imul(state, 1664525) + 1013904223 | 0) >>> 24);
}

/** Content as people and adversaries have it: runs of one byte, short periods, noise, and all of them repeated. */
const piece = fc.oneof(
  fc.record({ length: fc.nat(400), byte: fc.nat(255) }).map(({ length, byte }) =>
    new Uint8Array(length).fill(byte)
  ),
  fc.record({ length: fc.nat(3000), seed: fc.nat(5) }).map(({ length, seed }) => noise(length, seed)),
  fc.record({ length: fc.nat(1000), period: fc.integer({ min: 1, max: 40 }) }).map(({ length, period }) =>
    Uint8Array.from({ length }, (_, i) => i % period)
  ),
  fc.uint8Array({ maxLength: 40 }),
);
const content = fc.array(piece, { maxLength: 6 }).map(concat);

type Edit = { kind: "insert" | "overwrite" | "delete" | "swap" | "reverse"; at: number; bytes: Uint8Array };
const edit: fc.Arbitrary<Edit> = fc.record({
  kind: fc.constantFrom(
    "insert" as const,
    "overwrite" as const,
    "delete" as const,
    "swap" as const,
    "reverse" as const,
  ),
  at: fc.nat(9999),
  bytes: piece,
});

function edited(old: Uint8Array, edits: readonly Edit[]): Uint8Array {
  return edits.reduce((bytes, { kind, at, bytes: added }) => {
    const start = Math.floor(bytes.length * at / 10_000);
    const head = bytes.subarray(0, start), tail = bytes.subarray(start);
    const after = tail.subarray(added.length);
    switch (kind) {
      case "insert":
        return concat([head, added, tail]);
      case "overwrite":
        return concat([head, added, after]);
      case "delete":
        return concat([head, after]);
      case "swap":
        return concat([tail, head]);
      case "reverse":
        return concat([head, tail.subarray(0, added.length).slice().reverse(), after]);
    }
  }, old);
}

Deno.test("a delta gives the new version, for unrelated and for edited content", () => {
  fc.assert(fc.property(content, content, (old, wanted) => {
    assertEquals(throughDelta(old, wanted).result, wanted);
  }));
  fc.assert(
    fc.property(content, fc.array(edit, { maxLength: 5 }), (old, edits) => {
      const wanted = edited(old, edits);
      assertEquals(throughDelta(old, wanted).result, wanted);
    }),
    { numRuns: 300 },
  );
});

Deno.test("a delta gives the new version at the edges", () => {
  const bytes = noise(5000, 3), zeros = new Uint8Array(5000), empty = new Uint8Array(0);
  const contents = [empty, bytes.subarray(0, 1), bytes.subarray(0, 15), bytes.subarray(0, 16), bytes, zeros];
  for (const old of contents) {
    for (const wanted of contents) assertEquals(throughDelta(old, wanted).result, wanted);
  }
});

Deno.test("a delta carries little more than what is new", () => {
  const old = noise(400_000, 9);
  const sizes = { chunkBits: 12, blockBytes: 64, window: 4096 };
  const added = noise(100, 77);
  const cases: [string, Uint8Array, number][] = [
    ["nothing", old, 0],
    ["an insertion", concat([old.subarray(0, 200_000), added, old.subarray(200_000)]), 100 + 2 * 64],
    ["an overwritten part", concat([old.subarray(0, 200_000), added, old.subarray(200_100)]), 100 + 2 * 64],
    ["a deletion", concat([old.subarray(0, 200_000), old.subarray(201_000)]), 2 * 64],
    ["an appended part", concat([old, added]), 100 + 64],
    ["one in front", concat([added, old]), 100 + 64],
    ["halves that changed places", concat([old.subarray(150_000), old.subarray(0, 150_000)]), 4 * 64],
    ["everything twice", concat([old, old]), 2 * 64],
  ];
  for (const [label, wanted, most] of cases) {
    const { result, literal } = throughDelta(old, wanted, sizes);
    assertEquals(result, wanted, label);
    assert(literal <= most, `${label}: ${literal} bytes`);
  }
});

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

/** Signatures as only an adversary has them. */
function crafted(count: number, weak: (i: number) => number): Signatures {
  const signatures = newSignatures(count, 4096, 8);
  for (let i = 0; i < count; i++) signatures.weak[i] = weak(i);
  signatures.high.fill(0x12345678);
  return signatures;
}

Deno.test("the search does not become quadratic, whatever the signatures are", () => {
  const zeros = new Uint8Array(4 * 1024 * 1024);
  const zeroHash = weakHash(zeros, 0, 4096);
  const cases: [string, Signatures, Uint8Array][] = [
    ["all blocks look like every place and are none", crafted(100_000, () => zeroHash), zeros],
    ["all blocks in one chain", crafted(100_000, (i) => (i % 2) * 7), noise(zeros.length, 4)],
  ];
  for (const [label, signatures, bytes] of cases) {
    let literal = 0;
    let hashed = 0;
    const view = DataView.prototype.getUint32;
    const searcher = new Searcher(signatures);
    // Counted, not timed: words that were hashed to confirm a block.
    DataView.prototype.getUint32 = function (at: number, little?: boolean) {
      hashed++;
      return view.call(this, at, little);
    };
    try {
      const used = searcher.scan(bytes, true, { literal: (part) => literal += part.length, copy: () => {} });
      assertEquals(used, bytes.length);
    } finally {
      DataView.prototype.getUint32 = view;
    }
    assertEquals(literal, bytes.length, label);
    assert(4 * hashed < 4 * bytes.length + 80e6, `${label}: ${4 * hashed} bytes hashed`);
  }
});

Deno.test("the search takes no byte of a repeated block for two", () => {
  const block = noise(64, 8);
  const bytes = concat(Array.from({ length: 1000 }, () => block));
  const signatures = sign(block, new Float64Array([0]), 64, 8);
  let copies = 0;
  new Searcher(signatures).scan(bytes, true, {
    literal: () => assert(false, "nothing is new"),
    copy: (found) => assertEquals([found, copies++ < 1000], [0, true]),
  });
  assertEquals(copies, 1000);
});

Deno.test("instructions come out as they went in, over the borders of blocks too", () => {
  const blocks: Uint8Array[] = [];
  const writer = new InstructionWriter((block) => blocks.push(block));
  const literal = noise(MAX_LITERAL_BYTES + 10, 2);
  writer.copy(7);
  writer.copy(8);
  writer.literal(literal);
  writer.copy(3);
  writer.flush();
  writer.copy(1_000_000);
  writer.literal(literal.subarray(0, 1));
  writer.literal(literal.subarray(1, 5));
  writer.flush();
  const reader = new InstructionReader(2_000_000);
  const found = blocks.flatMap((block) => [...reader.read(block)]);
  assertEquals(
    found.map((one) => one.kind === "copy" ? [one.block, one.count] : one.bytes.length),
    [[7, 2], MAX_LITERAL_BYTES, 10, [3, 1], [1_000_000, 1], 5],
  );
  // No block is cut in two, and none is empty.
  assertEquals(blocks.length, 3);
});

Deno.test("InstructionReader refuses what no honest sender would send", () => {
  const block = (steps: number[], literals: number[] = []) =>
    new Uint8Array([0, 0, 0, steps.length, ...steps, ...literals]);
  const cases: [string, Uint8Array, string][] = [
    ["nothing", new Uint8Array(0), "too short"],
    ["steps that are not there", new Uint8Array([0, 0, 1, 0, 2]), "more steps"],
    ["too many steps", new Uint8Array([255, 255, 255, 255]), "more steps"],
    ["no steps", block([]), "without steps"],
    ["no literals", block([4], [1]), "more literals"],
    ["literals left over", block([2], [1, 2]), "no step takes"],
    ["an empty literal", block([0]), "does nothing"],
    ["an empty copy", block([1, 0]), "does nothing"],
    ["a copy without its block", block([3]), "ends early"],
    ["half a number", block([0x83]), "ends early"],
    ["a block behind the last", block([3, 20]), "nobody named"],
    ["a run over the last", block([23, 0]), "nobody named"],
    ["a block before the first", block([3, 1]), "nobody named"],
    ["a number past all", block([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]), "past 2^53"],
  ];
  for (const [label, bytes, text] of cases) {
    const error = assertThrows(() => [...new InstructionReader(10).read(bytes)], FerryError, text);
    assertEquals([label, error.code], [label, "protocol"]);
  }
});
