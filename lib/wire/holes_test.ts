import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { FerryError } from "../core/errors.ts";
import { encodeRuns, MAX_RUN_BYTES, readRun, runsOf } from "./holes.ts";
import { type Content, openStreamed, streamContent } from "./stream.ts";

const BLOCK = 4096;

/** A letter a block: `.` for zeros, `x` for others; a part of a block at the end. */
function blocks(text: string, rest = 0): Uint8Array {
  const bytes = new Uint8Array(text.length * BLOCK + rest);
  [...text].forEach((letter, index) => {
    if (letter === "x") bytes[index * BLOCK + index % BLOCK] = 1;
  });
  return bytes;
}

Deno.test("runsOf() cuts at whole blocks of zeros", () => {
  const cases: [Uint8Array, string][] = [
    [blocks(""), ""],
    [blocks("x"), "4096"],
    [blocks("..."), "hole 12288"],
    [blocks("x..xx."), "4096,hole 8192,8192,hole 4096"],
    [blocks("x", 100), "4096,hole 100"],
    [blocks("", 1), "hole 1"],
  ];
  for (const [bytes, expected] of cases) {
    const runs = [...runsOf(bytes)];
    assertEquals(runs.map(({ hole, bytes }) => (hole ? "hole " : "") + bytes.length).join(), expected);
  }
});

Deno.test("readRun() refuses what no honest sender would send", () => {
  const run = (hole: number, data: number) => {
    const view = new DataView(new ArrayBuffer(8));
    view.setUint32(0, hole);
    view.setUint32(4, data);
    return view;
  };
  assertEquals(readRun(run(5, 7), 12), { hole: 5, data: 7 });
  for (
    const [hole, data, left] of [[0, 0, 9], [5, 7, 11], [MAX_RUN_BYTES + 1, 0, 2 ** 40], [
      0,
      2 ** 32 - 1,
      2 ** 40,
    ]]
  ) {
    assertThrows(() => readRun(run(hole, data), left), FerryError, "a hole that does not fit");
  }
});

function content(bytes: Uint8Array, chunk: number): Content {
  let at = 0;
  return {
    kind: "content",
    meta: { size: bytes.length, mtime: 1, mode: 0o644, sparse: true },
    next: () => (at < bytes.length ? bytes.subarray(at, at += chunk) : null),
    outcome: () => null,
    [Symbol.dispose]() {},
  };
}

Deno.test("openStreamed() gives what streamContent() sent of a sparse file, without its zeros", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: fc.constantFrom(".", ".", "x"), maxLength: 40 }),
      fc.nat(BLOCK - 1),
      fc.constantFrom(1000, BLOCK, 3 * BLOCK, 64 * BLOCK),
      async (text, rest, chunk) => {
        const bytes = blocks(text, rest);
        let sent = 0;
        const body = streamContent(content(bytes, chunk), 0, (count) => sent += count);
        const received = await openStreamed(body);
        if (received.kind === "problem") throw new Error(received.message);
        assertEquals([received.meta.sparse, received.meta.size], [true, bytes.length]);
        const parts: number[] = [];
        for (let part = await received.next(); part !== null; part = await received.next()) {
          parts.push(...part);
        }
        assertEquals([received.outcome(), new Uint8Array(parts)], [null, bytes]);
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("encodeRuns() spends eight bytes on a hole", () => {
  assertEquals(encodeRuns(blocks(".".repeat(256))).length, 8);
  assertEquals(encodeRuns(blocks("x..x")).length, 2 * BLOCK + 16);
});
