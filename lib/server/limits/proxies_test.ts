import { assert, assertEquals } from "@std/assert";
import { clientOf } from "../guard/client.ts";
import { isProxyName, Proxies } from "./proxies.ts";

Deno.test("isProxyName() takes addresses, networks and the socket", () => {
  for (const name of ["unix", "10.0.0.1", "10.0.0.0/8", "::1", "fd00::/8", "0.0.0.0/0"]) {
    assert(isProxyName(name), name);
  }
  for (
    const name of [
      "",
      "localhost",
      "10.0.0",
      "10.0.0.0/33",
      "10.0.0.0/",
      "::1/129",
      "10.0.0.0/8/8",
      "1.2.3.4:80",
    ]
  ) {
    assert(!isProxyName(name), name);
  }
});

Deno.test("Proxies.hasClient() knows the networks of its proxies", () => {
  const proxies = new Proxies(["192.0.2.1", "10.0.0.0/8", "2001:DB8:1::5", "fd00:1::/32"]);
  for (
    const host of [
      "192.0.2.1",
      "10.9.9.9",
      "2001:db8:1::5",
      "2001:db8:1::6",
      "fd00:1:2:3::4",
      "::ffff:10.0.0.1",
    ]
  ) {
    assert(proxies.hasClient(clientOf(host)), host);
  }
  for (const host of ["192.0.2.2", "11.0.0.1", "2001:db8:2::5", "fd00:2::1", "::1"]) {
    assert(!proxies.hasClient(clientOf(host)), host);
  }
});

Deno.test("Proxies.clientOf() follows X-Forwarded-For from a proxy that is named, and from no other", () => {
  const proxies = new Proxies(["10.0.0.0/8", "::1"]);
  const client = (hostname: string, header?: string) => {
    const remoteAddr: Deno.NetAddr = { transport: "tcp", hostname, port: 1 };
    return proxies.clientOf(
      { remoteAddr },
      new Headers(header === undefined ? {} : { "x-forwarded-for": header }),
    );
  };
  assertEquals(client("192.0.2.1", "198.51.100.1"), "192.0.2.1");
  assertEquals(client("10.2.3.4", "198.51.100.1"), "198.51.100.1");
  assertEquals(client("::ffff:10.2.3.4", "198.51.100.1"), "198.51.100.1");
  assertEquals(client("::1", "198.51.100.1, 10.1.1.1"), "198.51.100.1");
  assertEquals(client("10.2.3.4"), "10.2.3.4");
});

Deno.test("Proxies.clientOf() follows it from a unix socket only when told to", () => {
  const remoteAddr: Deno.UnixAddr = { transport: "unix", path: "/run/ferry.sock" };
  const headers = new Headers({ "x-forwarded-for": "192.0.2.1" });
  assertEquals(new Proxies(["unix"]).clientOf({ remoteAddr }, headers), "192.0.2.1");
  assertEquals(new Proxies(["10.0.0.0/8"]).clientOf({ remoteAddr }, headers), "unix");
  assertEquals(new Proxies(["unix"]).clientOf({ remoteAddr }, new Headers()), "unix");
});
