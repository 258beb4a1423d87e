import { assertEquals } from "@std/assert";
import { mediaType } from "./media_type.ts";

const CASES: [string, string][] = [
  ["a.txt", "text/plain; charset=UTF-8"],
  ["a.html", "text/html; charset=UTF-8"],
  ["a.b.JSON", "application/json; charset=UTF-8"],
  ["a.js", "text/javascript; charset=UTF-8"],
  ["a.svg", "image/svg+xml"],
  ["a.png", "image/png"],
  ["a", "application/octet-stream"],
  ["a.", "application/octet-stream"],
  ["a.no-such-type", "application/octet-stream"],
  ["a.constructor", "application/octet-stream"],
  ["a.text/html\r\nx", "application/octet-stream"],
];
for (const [name, wanted] of CASES) {
  Deno.test(`mediaType() of ${JSON.stringify(name)} is ${wanted}`, () =>
    assertEquals(mediaType(name), wanted));
}
