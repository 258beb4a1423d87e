import { assert, assertEquals } from "@std/assert";
import { joined } from "../core/joined.ts";
import { noise, sign } from "./samples.ts";
import { Searcher } from "./search.ts";
import { newSignatures, type Signatures, weakHash } from "./signature.ts";

/** Signatures as only an adversary has them. */
function crafted(count: number, weak: (i: number) => number): Signatures {
  const signatures = newSignatures(count, 4096, 8);
  for (let i = 0; i < count; i++) signatures.weak[i] = weak(i);
  signatures.high.fill(0x12345678);
  return signatures;
}

Deno.test("the search does not become quadratic, whatever the signatures are", () => {
  const zeros = new Uint8Array(4 * 1024 * 1024);
  const zeroHash = weakHash(zeros, 0, 4096);
  const cases: [string, Signatures, Uint8Array][] = [
    ["all blocks look like every place and are none", crafted(100_000, () => zeroHash), zeros],
    ["all blocks in one chain", crafted(100_000, (i) => (i % 2) * 7), noise(zeros.length, 4)],
  ];
  for (const [label, signatures, bytes] of cases) {
    let literal = 0;
    let hashed = 0;
    const view = DataView.prototype.getUint32;
    const searcher = new Searcher(signatures);
    // Counted, not timed: words that were hashed to confirm a block.
    DataView.prototype.getUint32 = function (at: number, little?: boolean) {
      hashed++;
      return view.call(this, at, little);
    };
    try {
      const used = searcher.scan(bytes, true, { literal: (part) => literal += part.length, copy: () => {} });
      assertEquals(used, bytes.length);
    } finally {
      DataView.prototype.getUint32 = view;
    }
    assertEquals(literal, bytes.length, label);
    assert(4 * hashed < 4 * bytes.length + 80e6, `${label}: ${4 * hashed} bytes hashed`);
  }
});

Deno.test("the search takes no byte of a repeated block for two", () => {
  const block = noise(64, 8);
  const bytes = joined(Array.from({ length: 1000 }, () => block));
  const signatures = sign(block, new Float64Array([0]), 64, 8);
  let copies = 0;
  new Searcher(signatures).scan(bytes, true, {
    literal: () => assert(false, "nothing is new"),
    copy: (found) => assertEquals([found, copies++ < 1000], [0, true]),
  });
  assertEquals(copies, 1000);
});
