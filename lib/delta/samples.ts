/** Content and signatures for the tests of a delta's parts. */
import { newSignatures, type Signatures, strongHash, strongMask, weakHash } from "./signature.ts";

/** Bytes that look random and are the same for the same `seed`. */
export function noise(length: number, seed: number): Uint8Array {
  let state = seed | 1;
  return Uint8Array.from({ length }, () => (state = Math.imul(state, 1664525) + 1013904223 | 0) >>> 24);
}

/** The signatures of the blocks of `bytes` at `offsets`. */
export function sign(
  bytes: Uint8Array,
  offsets: Float64Array,
  blockBytes: number,
  strongBytes: number,
): Signatures {
  const signatures = newSignatures(offsets.length, blockBytes, strongBytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const mask = strongMask(strongBytes);
  offsets.forEach((offset, i) => {
    signatures.weak[i] = weakHash(bytes, offset, blockBytes);
    const { high, low } = strongHash(view, offset, blockBytes);
    signatures.high[i] = high & mask.high;
    signatures.low[i] = low & mask.low;
  });
  return signatures;
}
