import { assert, assertEquals, assertRejects } from "@std/assert";
import { PrefixReader } from "./prefix_reader.ts";

const SIZE = 5_000_000;

/** A file of which `there` bytes are there; `taken` is what the reader has seen of it. */
function setUp() {
  const bytes = Uint8Array.from({ length: SIZE }, (_, at) => at % 251);
  const state = { there: 0, taken: 0 };
  const reader = new PrefixReader({
    size: SIZE,
    there: () => state.there,
    read: (buffer, offset) => {
      const piece = bytes.subarray(offset, offset + buffer.length);
      buffer.set(piece);
      return piece.length;
    },
    take: (piece) => {
      assertEquals([piece[0], piece[piece.length - 1]], [
        bytes[state.taken],
        bytes[state.taken + piece.length - 1],
      ]);
      state.taken += piece.length;
      assert(state.taken <= state.there);
    },
  });
  return { reader, state };
}

Deno.test("PrefixReader.run() takes each byte once, in order, and none before it is there", async () => {
  const { reader, state } = setUp();
  const running = reader.run(new AbortController().signal);
  for (const there of [1, 1_000_000, 1_500_000, 1_500_001, 4_999_999, SIZE]) {
    state.there = there;
    reader.wake();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  reader.hurry();
  await running;
  assertEquals(state.taken, SIZE);
});

Deno.test("PrefixReader.run() throws the reason of its signal, and when there are fewer bytes than it is told", async () => {
  const { reader } = setUp();
  const stop = new AbortController();
  const running = reader.run(stop.signal);
  stop.abort(new RangeError("enough"));
  await assertRejects(() => running, RangeError, "enough");
  const short = new PrefixReader({ size: 10, there: () => 10, read: () => 4, take: () => {} });
  await assertRejects(() => short.run(new AbortController().signal), Error, "4 bytes where 10");
});
