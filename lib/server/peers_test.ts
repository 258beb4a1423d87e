import { assertEquals, assertThrows } from "@std/assert";
import { FerryError } from "../core/errors.ts";
import { isPeer, parsePeers } from "./peers.ts";

const PEERS = parsePeers(["http://files.example:8420", "https://Other.example/pub/", "http://[::1]:80/"]);

const CASES: [source: string, allowed: boolean][] = [
  ["http://files.example:8420/", true],
  ["http://files.example:8420/a/b", true],
  ["http://FILES.example:8420/", true],
  ["http://files.example/", false],
  ["https://files.example:8420/", false],
  ["http://files.example.evil:8420/", false],
  ["http://ann:x@files.example:8420/", false],
  ["http://files.example:8420/?x=1", false],
  ["http://files.example:8420/#x", false],
  ["http://files.example:8420/.ferry/", false],
  ["http://files.example:8420/a%2f..%2fb", false],
  ["https://other.example/pub", true],
  ["https://other.example:443/pub/deep/", true],
  ["https://other.example/public", false],
  ["https://other.example/", false],
  ["https://other.example/pub/../x", false],
  ["http://[::1]/", true],
  ["http://127.0.0.1/", false],
  ["http://localhost/", false],
  ["file:///etc/", false],
];
for (const [source, allowed] of CASES) {
  Deno.test(`isPeer() ${allowed ? "takes" : "refuses"} ${source}`, () => {
    assertEquals(isPeer(PEERS, new URL(source)), allowed);
  });
}

for (
  const text of [
    "",
    "files.example",
    "ftp://files.example/",
    "http://a:b@x/",
    "http://x/?q",
    "http://x/.ferry/",
  ]
) {
  Deno.test(`parsePeers() refuses ${text || "nothing"}`, () => {
    const error = assertThrows(() => parsePeers([text]), FerryError);
    assertEquals(error.code, "usage");
  });
}
