import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { clientOf, peerOf } from "./client.ts";

const v6 = (groups: readonly number[]) =>
  new Uint8Array([10, 0, 0, 80, 0, 0, 0, 0, ...groups.flatMap((group) => [group >> 8, group & 0xff])]);

Deno.test("peerOf() reads addresses as the runtime writes them", () => {
  const cases: [groups: number[], text: string][] = [
    [[0, 0, 0, 0, 0, 0, 0, 0], "::"],
    [[0, 0, 0, 0, 0, 0, 0, 1], "::1"],
    [[0x2001, 0xdb8, 0, 0, 1, 0, 0, 1], "2001:db8::1:0:0:1"],
    [[0x2001, 0xdb8, 0, 1, 1, 1, 1, 1], "2001:db8:0:1:1:1:1:1"],
    [[1, 0, 0, 2, 0, 0, 0, 3], "1:0:0:2::3"],
    [[1, 2, 3, 4, 5, 6, 0, 0], "1:2:3:4:5:6::"],
    [[0, 0, 0, 0, 0, 0xffff, 0x7f00, 1], "::ffff:127.0.0.1"],
  ];
  for (const [groups, text] of cases) assertEquals(peerOf(v6(groups)), { host: text, port: 80 });
  assertEquals(peerOf(new Uint8Array([1, 0, 47, 120])), null);
});

Deno.test("peerOf() writes IPv6 as URLs do, but for IPv4 within it", () => {
  const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }));
  fc.assert(fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
    fc.pre(groups[5] !== 0xffff);
    const text = groups.map((g) => g.toString(16)).join(":");
    assertEquals(`[${peerOf(v6(groups))?.host}]`, new URL(`http://[${text}]/`).hostname);
  }));
});

Deno.test("clientOf() gives all addresses of one IPv6 network the same name, and to no other", () => {
  const part = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff })), {
    minLength: 4,
    maxLength: 4,
  });
  const host = (groups: number[]) => peerOf(v6(groups))!.host;
  fc.assert(fc.property(part, part, part, (network, a, b) => {
    // That is where IPv4 addresses are.
    fc.pre(network.some((g) => g !== 0));
    assertEquals(clientOf(host([...network, ...a])), clientOf(host([...network, ...b])));
    const other = [...network];
    other[3] ^= 1;
    assertEquals(clientOf(host([...other, ...a])) === clientOf(host([...network, ...a])), false);
  }));
});
