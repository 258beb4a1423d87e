import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { FerryError } from "../../core/errors.ts";
import { packError, unpackError } from "../../core/packed_error.ts";
import type { Operation } from "../../wire/operation.ts";
import type { Outcome } from "../../wire/outcome.ts";
import type { FileFrame } from "../../wire/pack.ts";
import {
  packFrames,
  packOperations,
  packOutcomes,
  unpackFrames,
  unpackOperations,
  unpackOutcomes,
} from "./messages.ts";

const path = fc.string({ minLength: 1, unit: "binary" }).filter((text) => !text.includes("\0"));
const number = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const mtime = fc.integer({ min: -(2 ** 45), max: 2 ** 45 });

const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant("file" as const),
      path,
      stage: number,
      mode: fc.integer({ min: 0, max: 0o777 }),
      mtime,
      expect: fc.constant(null),
    }),
  },
  fc.record({ op: fc.constant("mkdir" as const), path, mode: fc.constant(0o755), expect: fc.constant(null) }),
  fc.record({ op: fc.constant("delete" as const), path, expect: fc.constant({ kind: "dir" as const }) }),
  fc.record({
    op: fc.constant("file" as const),
    path,
    stage: number,
    mode: fc.constant(0o600),
    mtime,
    expect: fc.constant({ kind: "dir" as const }),
  }),
);

Deno.test("unpackOperations() gives back what packOperations() was given, in its order", () => {
  fc.assert(fc.property(fc.array(operation), (operations) => {
    assertEquals(unpackOperations(packOperations(operations)), operations);
  }));
});

Deno.test("unpackFrames() gives back what packFrames() was given, also from several buffers", () => {
  const buffers = [1, 2, 3].map((value) => new Uint8Array(100).fill(value));
  const one = fc.record({
    buffer: fc.nat(2),
    start: fc.nat(50),
    length: fc.nat(50),
    index: number,
    mtime,
    path,
  });
  fc.assert(fc.property(fc.array(one), (cases) => {
    const frames = cases.map(({ buffer, start, length, index, mtime }): FileFrame => ({
      kind: "file",
      index,
      mtime,
      mode: 0o640,
      content: buffers[buffer].subarray(start, start + length),
    }));
    const paths = cases.map(({ path }) => path);
    const expected = { frames, paths: frames.length === 0 ? undefined : paths };
    assertEquals(unpackFrames(packFrames(frames, paths)), expected);
    assertEquals(unpackFrames(packFrames(frames)), { frames, paths: undefined });
  }));
});

Deno.test("unpackOutcomes() gives back what packOutcomes() was given", () => {
  const trouble: Outcome = { code: "conflict", message: "it changed meanwhile" };
  for (const outcomes of [[], [null], [null, trouble, null], [trouble, trouble]]) {
    assertEquals(unpackOutcomes(packOutcomes(outcomes)), outcomes);
  }
});

Deno.test("an error keeps its message from thread to thread, and a FerryError its code", () => {
  const full = unpackError(packError(new FerryError("disk_full", "no space")));
  assertEquals([full instanceof FerryError && full.code, full.message], ["disk_full", "no space"]);
  assertEquals(unpackError(packError(new TypeError("odd"))).message, "odd");
});
