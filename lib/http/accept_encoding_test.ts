import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { acceptedCodings, CODINGS } from "./accept_encoding.ts";

const CASES: [header: string | null, wanted: string[]][] = [
  [null, []],
  ["", []],
  ["identity", []],
  ["gzip", ["gzip"]],
  ["x-gzip", ["gzip"]],
  ["GZip", ["gzip"]],
  ["gzip, deflate, br, zstd", ["zstd", "br", "gzip"]],
  ["gzip;q=1.0, br;q=0.8, zstd;q=0", ["gzip", "br"]],
  ["gzip ; q=0.5", ["gzip"]],
  ["*", ["zstd", "br", "gzip"]],
  ["*;q=0", []],
  ["*, zstd;q=0", ["br", "gzip"]],
  ["gzip, identity", ["gzip"]],
  ["gzip;q=0.5, identity", []],
  ["gzip;q=0.5, identity;q=0.1", ["gzip"]],
  ["identity;q=0", []],
  ["deflate, compress", []],
  ["gzip;q=2", []],
  ["gzip;q=0.1234, br", ["br"]],
  ["gzip;level=9", []],
  [",,gzip,,", ["gzip"]],
  ["gzip" + " ".repeat(1000), []],
];
for (const [header, wanted] of CASES) {
  Deno.test(`acceptedCodings() of ${header?.slice(0, 40)} is ${wanted.join(", ")}`, () => {
    assertEquals([...acceptedCodings(header)], wanted);
    assertEquals([...acceptedCodings(header)], wanted, "asked again");
  });
}

Deno.test("acceptedCodings() gives each coding once, none that is refused, and never throws", () => {
  const part = fc.tuple(
    fc.constantFrom(...CODINGS, "identity", "*", "deflate"),
    fc.constantFrom("", ";q=0", ";q=0.5"),
  );
  fc.assert(fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
    const found = acceptedCodings(parts.map(([name, weight]) => name + weight).join(", "));
    assertEquals(new Set(found).size, found.length);
    for (const coding of found) {
      const last = parts.findLast(([name]) => name === coding) ?? parts.findLast(([name]) => name === "*");
      assert(last !== undefined && last[1] !== ";q=0", coding);
    }
  }));
  fc.assert(fc.property(fc.string(), (header) => void acceptedCodings(header)));
});
