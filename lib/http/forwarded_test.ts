import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { forwardedClient } from "./forwarded.ts";

const trusted = (address: string) => address.startsWith("10.") || address === "fd00::1";

Deno.test("forwardedClient() takes the word of trusted proxies alone", () => {
  const cases: [peer: string, header: string | null, client: string][] = [
    ["192.0.2.1", null, "192.0.2.1"],
    ["192.0.2.1", "198.51.100.1", "192.0.2.1"],
    ["10.0.0.1", null, "10.0.0.1"],
    ["10.0.0.1", "", "10.0.0.1"],
    ["10.0.0.1", "192.0.2.1", "192.0.2.1"],
    ["10.0.0.1", "1.1.1.1, 192.0.2.1", "192.0.2.1"],
    ["10.0.0.1", "1.1.1.1,192.0.2.1 , 10.9.9.9", "192.0.2.1"],
    ["10.0.0.1", "10.1.1.1, 10.2.2.2", "10.1.1.1"],
    ["10.0.0.1", "192.0.2.1:4711", "192.0.2.1"],
    ["10.0.0.1", "[2001:DB8::1]:4711", "2001:db8::1"],
    ["10.0.0.1", "2001:db8::1", "2001:db8::1"],
    ["10.0.0.1", "192.0.2.1, fd00::1", "192.0.2.1"],
    ["fd00::1", "::ffff:192.0.2.1", "::ffff:192.0.2.1"],
    // What is no address.
    ["10.0.0.1", "unknown", "10.0.0.1"],
    ["10.0.0.1", "192.0.2.1, _hidden", "10.0.0.1"],
    ["10.0.0.1", "192.0.2.256", "10.0.0.1"],
    ["10.0.0.1", "1:2:3", "10.0.0.1"],
    ["10.0.0.1", 'a\u0000b, x"y', "10.0.0.1"],
  ];
  for (const [peer, header, client] of cases) {
    assertEquals(forwardedClient(peer, header, trusted), client, `${peer} <- ${header}`);
  }
});

Deno.test("forwardedClient() gives the last address that no trusted proxy has, whatever the client wrote before it", () => {
  const junk = fc.oneof(fc.string(), fc.ipV4(), fc.ipV6());
  fc.assert(fc.property(fc.array(junk), fc.nat(5), (made, proxies) => {
    const hops = [...made, "192.0.2.7", ...Array.from({ length: proxies }, (_, i) => `10.0.0.${i}`)];
    assertEquals(forwardedClient("10.1.1.1", hops.join(", "), trusted), "192.0.2.7");
  }));
});
