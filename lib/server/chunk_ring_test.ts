import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { CHUNK, ChunkRing } from "./chunk_ring.ts";

/** What the runtime may hold when it asks for the next chunk, see chunk_ring.ts. */
const HELD = CHUNK + (64 + 64 + 400) * 1024;

Deno.test("ChunkRing gives no memory again that was given within the last bytes the runtime may hold", () => {
  const amounts = fc.array(fc.integer({ min: 1, max: CHUNK }), { minLength: 1, maxLength: 200 });
  fc.assert(fc.property(amounts, (amounts) => {
    const ring = new ChunkRing();
    const given: { chunk: Uint8Array; end: number }[] = [];
    let total = 0;
    for (const amount of amounts) {
      const chunk = ring.next(amount);
      assert(chunk.length > 0 && chunk.length <= amount);
      for (const old of given) {
        const overlaps = old.chunk.buffer === chunk.buffer &&
          old.chunk.byteOffset < chunk.byteOffset + chunk.length &&
          chunk.byteOffset < old.chunk.byteOffset + old.chunk.length;
        if (overlaps) assert(total - old.end >= HELD, `${total - old.end} bytes later`);
      }
      total += chunk.length;
      given.push({ chunk, end: total });
      ring.fill(chunk.length);
    }
  }));
});

Deno.test("ChunkRing fills a chunk up before another one begins when reads are short", () => {
  const ring = new ChunkRing();
  const first = ring.next(CHUNK);
  ring.fill(10);
  const second = ring.next(CHUNK);
  assertEquals([second.buffer === first.buffer, second.byteOffset, second.length], [true, 10, CHUNK - 10]);
});
