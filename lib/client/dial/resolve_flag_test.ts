import { assertEquals, assertThrows } from "@std/assert";
import { FerryError } from "../../core/errors.ts";
import { parseResolve, resolvedOf } from "./resolve_flag.ts";

Deno.test("parseResolve() reads hosts, ports and addresses of both kinds", () => {
  const resolved = parseResolve([
    "Host.Example:443:192.0.2.1",
    "host.example:80:192.0.2.2,[2001:db8::1],::1",
    "[::1]:80:127.0.0.1",
    "bücher.example:80:192.0.2.3",
    "host.example:443:192.0.2.4",
  ]);
  const cases: [hostname: string, port: number, addresses: string[] | undefined][] = [
    ["host.example", 443, ["192.0.2.4"]],
    ["HOST.example", 80, ["192.0.2.2", "2001:db8::1", "::1"]],
    ["::1", 80, ["127.0.0.1"]],
    ["xn--bcher-kva.example", 80, ["192.0.2.3"]],
    ["host.example", 8080, undefined],
  ];
  for (const [hostname, port, addresses] of cases) {
    assertEquals(resolvedOf(resolved, { hostname, port }), addresses, hostname);
  }
});

Deno.test("parseResolve() refuses what is something else, and says what is right", () => {
  const cases: [value: string, part: string][] = [
    ["", "HOST:PORT:ADDRESS"],
    ["host", "HOST:PORT:ADDRESS"],
    ["host:80", "HOST:PORT:ADDRESS"],
    ["host:http:192.0.2.1", "HOST:PORT:ADDRESS"],
    ["host:80:", "HOST:PORT:ADDRESS"],
    ["host:0:192.0.2.1", "port"],
    ["host:65536:192.0.2.1", "port"],
    ["*:80:192.0.2.1", "not a host"],
    ["a/b:80:192.0.2.1", "not a host"],
    ["host:80:other.example", "not an IP address"],
    ["host:80:192.0.2.1,", "not an IP address"],
    ["host:80:192.0.2.256", "not an IP address"],
    ["host:80:fe80::1%eth0", "not an IP address"],
  ];
  for (const [value, part] of cases) {
    const error = assertThrows(() => parseResolve([value]), FerryError, part);
    assertEquals([error.code, error.message.startsWith("--resolve")], ["usage", true]);
  }
});
