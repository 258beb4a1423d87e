import { assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { formatSha256, hexOf, parseDigests, sha256Weight } from "./digest.ts";

const EMPTY = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
const LONG = "YMAam51Jz/jOATT6/zvHrLVgOYTGFy1d6GJiOHTohq4yP+pgk4vf2aCsyRZOtw8MjkM7iw7yZ/WkppmM44T3qg==";

const DIGESTS: [about: string, header: string, wanted: string[] | null][] = [
  ["one", `sha-256=:${EMPTY}:`, ["sha-256"]],
  ["two", `sha-256=:${EMPTY}:,  sha-512=:${LONG}:`, ["sha-256", "sha-512"]],
  ["the last of one key", `sha-256=:AAAA:, sha-256=:${EMPTY}:`, ["sha-256"]],
  ["one with parameters", `sha-256=:${EMPTY}:;a=1; b`, ["sha-256"]],
  ["others, which are left out", "md5=:1B2M2Y8AsgTpgAmY7PhCfg==:, unixsum=:AAA=:", []],
  ["nothing", "", []],
  ["a wrong length", "sha-256=:AAAA:", null],
  ["no byte sequence", "sha-256=10", null],
  ["hexadecimal", "sha-256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", null],
  ["the form of RFC 3230", `SHA-256=${EMPTY}`, null],
  ["a key without a value", "sha-256", null],
  ["a comma too many", `sha-256=:${EMPTY}:,`, null],
  ["broken base64", "sha-256=:A:", null],
  ["a field without end", `sha-256=:${EMPTY}:,`.repeat(100) + `sha-256=:${EMPTY}:`, null],
];
for (const [about, header, wanted] of DIGESTS) {
  Deno.test(`parseDigests() reads ${about}`, () => {
    assertEquals(parseDigests(header)?.map(({ algorithm }) => algorithm) ?? null, wanted);
  });
}

const WANTS: [header: string | null, weight: number][] = [
  [null, 0],
  ["sha-256=10", 10],
  ["sha-512=3, sha-256=1", 1],
  ["sha-256=0", 0],
  ["sha-256=11", 0],
  ["sha-256=-1", 0],
  ["sha-512=10", 0],
  ["sha-256", 0],
  ["SHA-256", 0],
  ["", 0],
  ["sha-256=10,,", 0],
];
for (const [header, weight] of WANTS) {
  Deno.test(`sha256Weight() of ${header} is ${weight}`, () => assertEquals(sha256Weight(header), weight));
}

Deno.test("parseDigests() reads back what formatSha256() wrote, and never throws", () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
    const [found] = parseDigests(formatSha256(btoa(String.fromCharCode(...bytes)))) ?? [];
    assertEquals(found, { algorithm: "sha-256", digest: new Uint8Array(bytes) });
    assertEquals(
      Uint8Array.from(hexOf(bytes).match(/../g) ?? [], (pair) => parseInt(pair, 16)),
      new Uint8Array(bytes),
    );
  }));
  fc.assert(fc.property(fc.string(), fc.constantFrom("sha-256=", "sha-256=:", ""), (text, start) => {
    parseDigests(start + text);
    sha256Weight(start + text);
  }));
});
