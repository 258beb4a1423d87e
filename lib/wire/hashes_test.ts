import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { FerryError } from "../core/errors.ts";
import { HashesReader, hashRecord, waitingRecord } from "./hashes.ts";

const digest = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
);

Deno.test("HashesReader gives what was written, however it is cut", () => {
  fc.assert(
    fc.property(
      fc.array(fc.option(digest), { maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
      (digests, cuts) => {
        const bytes = digests.flatMap((one) => [...waitingRecord(), ...hashRecord(one)]);
        const reader = new HashesReader(digests.length);
        for (let at = 0, cut = 0; at < bytes.length; cut++) {
          reader.push(Uint8Array.from(bytes.slice(at, at += cuts[cut % cuts.length])));
        }
        assertEquals(reader.finish(), digests);
      },
    ),
    { numRuns: 100 },
  );
});

Deno.test("HashesReader refuses what no honest sender would send", () => {
  const known = hashRecord("00".repeat(32)), none = hashRecord(null);
  const cases: [string, Uint8Array[], string][] = [
    ["nothing", [], "ends early"],
    ["one too few", [known], "ends early"],
    ["half a digest", [known, known.subarray(0, 20)], "ends early"],
    ["one too many", [known, none, none], "more hashes than files"],
    ["another tag", [known, Uint8Array.of(7)], "no known kind"],
    ["text", [new TextEncoder().encode("<html>")], "no known kind"],
    ["waiting for ever", [new Uint8Array(1_000_000)], "says nothing"],
  ];
  for (const [name, chunks, message] of cases) {
    const error = assertThrows(() => {
      const reader = new HashesReader(2);
      for (const chunk of chunks) reader.push(chunk);
      reader.finish();
    }, FerryError);
    assertEquals([name, error.code], [name, "protocol"]);
    assert(error.message.includes(message), `${name}: ${error.message}`);
  }
});
