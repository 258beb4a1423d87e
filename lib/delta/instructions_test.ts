import { assertEquals, assertThrows } from "@std/assert";
import { FerryError } from "../core/errors.ts";
import { InstructionReader, InstructionWriter, MAX_LITERAL_BYTES } from "./instructions.ts";
import { noise } from "./samples.ts";

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
