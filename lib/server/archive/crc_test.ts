import { assertEquals } from "@std/assert";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { Crc32 } from "./crc.ts";

Deno.test("Crc32 gives the sum of the whole, however it is cut", () => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 8 }), (pieces) => {
    const sum = new Crc32();
    for (const piece of pieces) sum.add(piece);
    assertEquals(sum.value, crc32(Uint8Array.from(pieces.flatMap((piece) => [...piece]))));
  }));
});
