import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { addressBytes, sharesBits } from "./address.ts";

Deno.test("addressBytes() reads what URLs read, and nothing else", () => {
  assertEquals(addressBytes("::1"), Uint8Array.from([...Array(15).fill(0), 1]));
  assertEquals(
    addressBytes("2001:DB8::a:0"),
    Uint8Array.from([0x20, 1, 0xd, 0xb8, ...Array(9).fill(0), 10, 0, 0]),
  );
  assertEquals(addressBytes("::ffff:1.2.3.4"), Uint8Array.from([...Array(10).fill(0), 255, 255, 1, 2, 3, 4]));
  for (
    const text of [
      "",
      "1.2.3",
      "1.2.3.256",
      "host",
      ":",
      ":::",
      "1::2::3",
      "[::1]",
      "fe80::1%eth0",
      "12345::",
    ]
  ) {
    assertEquals(addressBytes(text), null, text);
  }
  fc.assert(fc.property(fc.ipV6(), (text) => assertEquals(addressBytes(text)?.length, 16, text)));
  fc.assert(fc.property(fc.ipV4(), (text) => assertEquals(addressBytes(text)?.join("."), text)));
});

Deno.test("sharesBits() compares so many bits as numbers would", () => {
  const bytes = fc.uint8Array({ minLength: 4, maxLength: 4 });
  fc.assert(fc.property(bytes, bytes, fc.integer({ min: 0, max: 32 }), (a, b, bits) => {
    const number = (x: Uint8Array) => BigInt(new DataView(x.buffer, x.byteOffset).getUint32(0));
    const shift = BigInt(32 - bits);
    assertEquals(sharesBits(a, b, bits), number(a) >> shift === number(b) >> shift);
  }));
  assert(!sharesBits(Uint8Array.of(1, 2, 3, 4), new Uint8Array(16), 0));
});
