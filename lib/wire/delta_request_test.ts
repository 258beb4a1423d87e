import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { FerryError } from "../core/errors.ts";
import { newSignatures, strongMask } from "../delta/signature.ts";
import { type DeltaRequest, encodeRequest, parseRequest } from "./delta_request.ts";

function request(options: Partial<DeltaRequest> = {}): DeltaRequest {
  const signatures = newSignatures(2, 256, 3);
  signatures.weak.set([1, 0xffffffff]);
  signatures.high.set([0x01020300, 0xffffff00]);
  const ranges = [{ start: 0, length: 5 }, { start: 300, length: 2 ** 31 }];
  return { size: 2 ** 35, mtime: 1.7e12, codecs: 14, ranges, signatures, ...options };
}

Deno.test("parseRequest() gives what encodeRequest() wrote", () => {
  assertEquals(parseRequest(encodeRequest(request())), request());
  const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });
  const signature = fc.tuple(word, word, word);
  const ranges = fc.array(fc.tuple(fc.nat(2 ** 30), fc.integer({ min: 1, max: 2 ** 30 })), { maxLength: 5 });
  fc.assert(
    fc.property(
      fc.array(signature, { maxLength: 5 }),
      fc.integer({ min: 2, max: 8 }),
      ranges,
      (list, strong, gaps) => {
        const signatures = newSignatures(list.length, 512, strong);
        const mask = strongMask(strong);
        list.forEach(([weak, high, low], i) => {
          signatures.weak[i] = weak;
          signatures.high[i] = high & mask.high;
          signatures.low[i] = low & mask.low;
        });
        let end = 0;
        const made = gaps.map(([gap, length]) => {
          const start = end + gap;
          end = start + length;
          return { start, length };
        });
        const given = request({ ranges: made, signatures });
        assertEquals(parseRequest(encodeRequest(given)), given);
      },
    ),
  );
});

Deno.test("parseRequest() refuses what no honest receiver would send", () => {
  const good = encodeRequest(request());
  const changed = (at: number, ...values: number[]) => {
    const bytes = good.slice();
    bytes.set(values, at);
    return bytes;
  };
  const cases: [string, Uint8Array, string][] = [
    ["nothing", new Uint8Array(0), "does not start"],
    ["another magic", changed(0, 1), "does not start"],
    ["blocks too short", changed(9, 7), "unknown size"],
    ["blocks too long", changed(9, 21), "unknown size"],
    ["a strong hash of one byte", changed(10, 1), "unknown hash"],
    ["a strong hash of nine bytes", changed(10, 9), "unknown hash"],
    ["a size past all", changed(12, 1), "absurd"],
    ["a time past all", changed(20, 0x7f, 0xf0), "absurd"],
    ["too many ranges", changed(28, 1, 0, 0, 0), "too many"],
    ["too many blocks", changed(32, 1, 0, 0, 0), "too many"],
    ["more blocks than came", changed(32, 0, 0, 0, 3), "does not fit"],
    ["less ranges than came", changed(28, 0, 0, 0, 1), "does not fit"],
    ["no ranges", good.subarray(0, 36), "ends early"],
    ["an empty range", encodeRequest(request({ ranges: [{ start: 1, length: 0 }] })), "not in the file"],
    ["a range behind the end", encodeRequest(request({ size: 100 })), "not in the file"],
    ["a number without an end", changed(36, ...Array<number>(12).fill(255)), "past 2^49"],
  ];
  for (const [label, bytes, text] of cases) {
    const error = assertThrows(() => parseRequest(bytes), FerryError, text);
    assertEquals([label, error.code], [label, "protocol"]);
  }
});
