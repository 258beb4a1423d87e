import { assertEquals } from "@std/assert";
import { isHost, queryValue, rawTarget } from "./target.ts";

const TARGETS: [string, string, string][] = [
  ["http://a/", "/", ""],
  ["http://a:80/x/../y//z?q=/&r", "/x/../y//z", "?q=/&r"],
  ["http://a//b", "//b", ""],
  ["http://[::1]:8/%2e%2e?", "/%2e%2e", "?"],
  ["http+unix://%2Frun%2Fs/x", "/x", ""],
  ["http://a", "", ""],
  ["http://a/*", "/*", ""],
];
for (const [url, path, query] of TARGETS) {
  Deno.test(`rawTarget() cuts ${url} without changing it`, () =>
    assertEquals(rawTarget(url), { path, query }));
}

const HOSTS: [string | null, boolean][] = [
  [null, true],
  ["", true],
  ["a.example:8420", true],
  ["[::1]:8420", true],
  ["a/b", false],
  ["a?b", false],
  ["a#b", false],
  ["a\\b", false],
  ["u@a", false],
  ["a, b", false],
];
for (const [host, wanted] of HOSTS) {
  Deno.test(`isHost() is ${wanted} for ${host}`, () => assertEquals(isHost(host), wanted));
}

const QUERIES: [string, string | null | undefined][] = [
  ["", null],
  ["?format=json", "json"],
  ["?a=b&format=te%78t&format=html", "text"],
  ["?format", ""],
  ["?xformat=json", null],
  ["?format=%", undefined],
  ["?format=a+b", "a b"],
];
for (const [query, wanted] of QUERIES) {
  Deno.test(`queryValue() finds format in ${query}`, () => assertEquals(queryValue(query, "format"), wanted));
}
