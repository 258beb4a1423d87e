import { assertEquals } from "@std/assert";
import { parseDestination } from "./destination.ts";

const CASES: [header: string, wanted: string][] = [
  ["/a/b%20c", "/a/b%20c"],
  ["http://host:1/a", "/a"],
  ["https://HOST:1/a/../b", "/a/../b"],
  ["http://host:2/a", "elsewhere"],
  ["http://host.evil:1/a", "elsewhere"],
  ["http://u@host:1/a", "elsewhere"],
  ["ftp://host:1/a", "elsewhere"],
  ["http://host:1", "malformed"],
  ["//host:1/a", "malformed"],
  ["a/b", "malformed"],
  ["", "malformed"],
  ["/a?b", "malformed"],
  ["/a#b", "malformed"],
  ["/a b", "malformed"],
];
for (const [header, wanted] of CASES) {
  Deno.test(`parseDestination() reads ${JSON.stringify(header)}`, () => {
    const result = parseDestination(header, "host:1");
    assertEquals(result.kind === "path" ? result.path : result.kind, wanted);
  });
}

Deno.test("parseDestination() takes no absolute URL when the request has no Host", () => {
  assertEquals(parseDestination("http://a/b", null), { kind: "elsewhere" });
});
