import { assertEquals, assertThrows } from "@std/assert";
import { FerryError } from "../../core/errors.ts";
import { isExempt } from "./no_proxy.ts";
import { proxyFor } from "./proxy.ts";

Deno.test("isExempt() knows hosts, domains, addresses, networks and ports", () => {
  const cases: [list: string, host: string, exempt: boolean][] = [
    ["", "host.example:80", false],
    ["*", "host.example:80", true],
    ["host.example", "host.example:80", true],
    ["host.example", "HOST.EXAMPLE.:80", true],
    ["example", "host.example:80", true],
    [".example", "host.example:80", true],
    ["*.example", "host.example:80", true],
    [".host.example", "host.example:80", true],
    ["ost.example", "host.example:80", false],
    ["a, b\thost.example", "host.example:80", true],
    ["host.example:81", "host.example:80", false],
    ["host.example:80", "host.example:80", true],
    ["127.0.0.1", "127.0.0.1:80", true],
    ["127.0.0.1:81", "127.0.0.1:80", false],
    ["0.0.1", "127.0.0.1:80", false],
    ["127.0.0.0/8", "127.9.9.9:80", true],
    ["127.0.0.0/33", "127.0.0.0:80", false],
    ["127.0.0.0/8/8", "127.0.0.0:80", false],
    ["127.0.0.0/", "127.0.0.0:80", false],
    ["10.0.0.0/8", "127.9.9.9:80", false],
    ["10.0.0.0/8", "10.example:80", false],
    ["::1", "[::1]:80", true],
    ["[::1]", "[::1]:80", true],
    ["[::1]:80", "[::1]:80", true],
    ["[::1]:81", "[::1]:80", false],
    ["fd00::/8", "[fd12::1]:80", true],
    ["0.0.0.0/0", "[fd12::1]:80", false],
    [".", "host.example:80", false],
  ];
  for (const [list, host, exempt] of cases) {
    const [, hostname, port] = /^\[?(.*?)\]?:(\d+)$/.exec(host)!;
    assertEquals(isExempt(list, { hostname, port: Number(port) }), exempt, `${list} for ${host}`);
  }
});

Deno.test("proxyFor() reads the variables in curl's order", () => {
  const cases: [url: string, env: Record<string, string>, found: string | null][] = [
    ["http://h/", {}, null],
    ["http://h/", { http_proxy: "http://p:1" }, "http p:1"],
    ["http://h/", { HTTP_PROXY: "http://p:1" }, null],
    ["https://h/", { http_proxy: "http://p:1" }, null],
    ["https://h/", { HTTPS_PROXY: "http://p:1", https_proxy: "q:2" }, "http q:2"],
    ["https://h/", { HTTPS_PROXY: "https://p" }, "https p:443"],
    ["http://h/", { ALL_PROXY: "socks5://p" }, "socks5 p:1080"],
    ["http://h/", { all_proxy: "socks5h://p:9" }, "socks5 p:9"],
    ["http://h/", { http_proxy: "", all_proxy: "http://p:1" }, null],
    ["http://h/", { http_proxy: "p" }, "http p:80"],
    ["http://h/", { http_proxy: "http://[::1]:3128/" }, "http ::1:3128"],
    ["http://h/", { http_proxy: "http://p:1", no_proxy: "h" }, null],
    ["http://h/", { http_proxy: "http://p:1", NO_PROXY: "h" }, null],
    ["http://h/", { http_proxy: "http://p:1", no_proxy: "", NO_PROXY: "h" }, "http p:1"],
    ["https://h:8443/", { https_proxy: "http://p:1", no_proxy: "h:443" }, "http p:1"],
    ["https://h/", { https_proxy: "http://p:1", no_proxy: "h:443" }, null],
  ];
  for (const [url, env, found] of cases) {
    const proxy = proxyFor(new URL(url), (name) => env[name]);
    const told = proxy && `${proxy.kind} ${proxy.end.hostname}:${proxy.end.port}`;
    assertEquals(told, found, JSON.stringify([url, env]));
  }
  const named = proxyFor(new URL("http://h/"), (name) => ({ http_proxy: "http://a%40b:c%3Ad@p:1" })[name]);
  assertEquals([named?.user, named?.url.href], ["a@b:c:d", "http://p:1/"]);
});

Deno.test("proxyFor() refuses what is no proxy by the name of the variable, and shows no password", () => {
  const values = [
    "http://u:secret@",
    "ftp://u:secret@p",
    "socks4://secret@p",
    "http://secret@p/path",
    "http://secret%zz@p",
  ];
  for (const http_proxy of [...values, "://", "http://p:99999"]) {
    const error = assertThrows(
      () => proxyFor(new URL("http://h/"), (name) => ({ http_proxy })[name]),
      FerryError,
      "http_proxy",
    );
    assertEquals([error.code, error.message.includes("secret")], ["usage", false], error.message);
  }
});
