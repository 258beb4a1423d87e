import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { FerryError } from "../../core/errors.ts";
import { clientHello } from "./client_hello.ts";
import { parsePin } from "./pin.ts";
import { readFlight } from "./server_flight.ts";

Deno.test("clientHello() counts every part, and names the host where it has a name", () => {
  const random = new Uint8Array(32).fill(7);
  for (const name of [null, "host.example"]) {
    const hello = clientHello(random, name);
    const view = new DataView(hello.buffer);
    assertEquals([hello[0], view.getUint16(3)], [22, hello.length - 5]);
    assertEquals([hello[5], view.getUint32(5) & 0xffffff], [1, hello.length - 9]);
    assertEquals(hello.subarray(11, 43), random);
    assertEquals(new TextDecoder("latin1").decode(hello).includes("host.example"), name !== null);
  }
  assertEquals(clientHello(random, "host.example."), clientHello(random, "host.example"));
});

/** A record of TLS 1.2. */
function record(type: number, data: number[]): number[] {
  return [type, 3, 3, data.length >> 8, data.length & 255, ...data];
}

const HELLO = [2, 0, 0, 4, 3, 3, 0, 0];
const DER = [48, 3, 1, 2, 3];
const CERTIFICATES = [11, 0, 0, 11, 0, 0, 8, 0, 0, 5, ...DER];

Deno.test("readFlight() finds the first certificate however it is cut into records", () => {
  const messages = [...HELLO, ...CERTIFICATES];
  fc.assert(fc.property(fc.integer({ min: 1, max: messages.length - 1 }), fc.nat(40), (cut, came) => {
    const bytes = Uint8Array.from([
      ...record(22, messages.slice(0, cut)),
      ...record(22, messages.slice(cut)),
    ]);
    assertEquals(readFlight(bytes), { kind: "certificate", der: Uint8Array.from(DER) });
    if (came < bytes.length) assertEquals(readFlight(bytes.subarray(0, came)), { kind: "more" });
  }));
});

Deno.test("readFlight() tells alerts, what is no TLS, and lists that lie about their length", () => {
  assertEquals(readFlight(Uint8Array.from(record(21, [2, 70]))), { kind: "alert", description: 70 });
  assertEquals(readFlight(new TextEncoder().encode("HTTP/1.1 400")), { kind: "not_tls" });
  const lying = [11, 0, 0, 11, 0, 0, 8, 0, 0, 6, ...DER];
  assertEquals(readFlight(Uint8Array.from(record(22, lying))), { kind: "not_tls" });
  assertEquals(readFlight(Uint8Array.from(record(22, [11, 0, 0, 0]))), { kind: "not_tls" });
});

Deno.test("readFlight() takes any bytes without throwing", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, framed) => {
    readFlight(framed ? Uint8Array.from(record(22, [...bytes])) : bytes);
  }));
});

Deno.test("parsePin() takes hex with and without colons, and nothing else", () => {
  const hex = "0a".repeat(32);
  assertEquals(parsePin(`sha256:${hex.toUpperCase()}`), hex);
  assertEquals(parsePin(`sha256:${hex.match(/../g)!.join(":")}`), hex);
  for (const wrong of [hex, `sha1:${hex}`, `sha256:${hex}0`, "sha256:", `sha256:${hex.slice(1)}g`]) {
    assertThrows(() => parsePin(wrong), FerryError, "64 hexadecimal");
  }
});
