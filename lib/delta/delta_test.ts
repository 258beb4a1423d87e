/** The parts of a delta together: whatever the two versions are, the new one comes out, and little travels. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { chunkSizes } from "./chunker.ts";
import { ChunkCutter, ChunkList } from "./chunk_list.ts";
import { InstructionReader, InstructionWriter } from "./instructions.ts";
import { matchChunks } from "./match.ts";
import { joined } from "../core/joined.ts";
import { noise, sign } from "./samples.ts";
import { Searcher } from "./search.ts";
import { blockOffsets } from "./signature.ts";

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
  const stream = joined(filled);
  const result = new Uint8Array(wanted.length).fill(0xaa);
  for (const { to, from, length } of copies) result.set(old.subarray(from, from + length), to);
  let at = 0;
  for (const { start, length } of missing) result.set(stream.subarray(at, at += length), start);
  assertEquals(at, stream.length);
  return { result, literal };
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
const content = fc.array(piece, { maxLength: 6 }).map(joined);

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
        return joined([head, added, tail]);
      case "overwrite":
        return joined([head, added, after]);
      case "delete":
        return joined([head, after]);
      case "swap":
        return joined([tail, head]);
      case "reverse":
        return joined([head, tail.subarray(0, added.length).slice().reverse(), after]);
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
    ["an insertion", joined([old.subarray(0, 200_000), added, old.subarray(200_000)]), 100 + 2 * 64],
    ["an overwritten part", joined([old.subarray(0, 200_000), added, old.subarray(200_100)]), 100 + 2 * 64],
    ["a deletion", joined([old.subarray(0, 200_000), old.subarray(201_000)]), 2 * 64],
    ["an appended part", joined([old, added]), 100 + 64],
    ["one in front", joined([added, old]), 100 + 64],
    ["halves that changed places", joined([old.subarray(150_000), old.subarray(0, 150_000)]), 4 * 64],
    ["everything twice", joined([old, old]), 2 * 64],
  ];
  for (const [label, wanted, most] of cases) {
    const { result, literal } = throughDelta(old, wanted, sizes);
    assertEquals(result, wanted, label);
    assert(literal <= most, `${label}: ${literal} bytes`);
  }
});
