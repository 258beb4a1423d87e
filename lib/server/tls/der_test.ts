import { assertEquals } from "@std/assert";
import { der, oid, time, unsigned } from "./der.ts";

const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

Deno.test("DER is written as X.690 has it", () => {
  assertEquals(hex(oid("1.2.840.10045.4.3.2")), "06082a8648ce3d040302");
  assertEquals(hex(oid("2.5.29.17")), "0603551d11");
  assertEquals(hex(unsigned(Uint8Array.of(0, 0, 1))), "020101");
  assertEquals(hex(unsigned(Uint8Array.of(0x80))), "02020080");
  assertEquals(hex(unsigned(Uint8Array.of(0))), "020100");
  assertEquals(hex(der(4, new Uint8Array(127)).subarray(0, 2)), "047f");
  assertEquals(hex(der(4, new Uint8Array(200)).subarray(0, 3)), "0481c8");
  assertEquals(hex(der(4, new Uint8Array(70000)).subarray(0, 5)), "0483011170");
});

Deno.test("time() is UTCTime until 2049 and GeneralizedTime from then on", () => {
  const text = (iso: string) => new TextDecoder().decode(time(Date.parse(iso)).subarray(2));
  assertEquals(text("2049-12-31T23:59:59Z"), "491231235959Z");
  assertEquals(text("2050-01-01T00:00:00Z"), "20500101000000Z");
});
