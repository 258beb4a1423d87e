import { assertEquals } from "@std/assert";
import { joined } from "./joined.ts";

Deno.test("joined() puts pieces end to end, and shares no memory with them", () => {
  const piece = Uint8Array.of(1, 2);
  const all = joined([piece, new Uint8Array(), Uint8Array.of(3)]);
  piece[0] = 9;
  assertEquals([all, joined([])], [Uint8Array.of(1, 2, 3), new Uint8Array()]);
});
