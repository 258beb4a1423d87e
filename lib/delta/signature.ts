/**
 * Fine signatures: two hashes of each block of what the receiver has, a weak one that rolls over the new content byte
 * by byte and a strong one that confirms. Neither is cryptographic: the SHA-256 of the whole file has the last word.
 */
import type { Range } from "./match.ts";

/** Blocks are powers of two long; as log2. */
export const MIN_BLOCK_BITS = 8;
export const MAX_BLOCK_BITS = 20;

/** Signatures in one request, at most; blocks grow with what they have to cover. */
export const MAX_BLOCKS = 2 ** 20;

/** Bytes of the strong hash that may travel. */
export const MIN_STRONG_BYTES = 2;
export const MAX_STRONG_BYTES = 8;

/** The multiplier of the weak hash. */
export const FACTOR = 0x08104225;
const FACTOR_2 = Math.imul(FACTOR, FACTOR);
const FACTOR_3 = Math.imul(FACTOR_2, FACTOR);
const FACTOR_4 = Math.imul(FACTOR_3, FACTOR);

/** The two halves of a strong hash. */
export interface Strong {
  high: number;
  low: number;
}

/** Signatures of blocks; `high` and `low` are the strong hash, cut to `strongBytes`. */
export interface Signatures {
  blockBytes: number;
  strongBytes: number;
  count: number;
  weak: Uint32Array;
  high: Uint32Array;
  low: Uint32Array;
}

/** The weak hash of `length` bytes: a polynomial modulo 2 ** 32. */
export function weakHash(bytes: Uint8Array, start: number, length: number): number {
  let hash = 0, i = start;
  const end = start + length;
  // Four at a time, since each multiplication waits for the one before.
  for (const stop = end - 3; i < stop; i += 4) {
    hash = Math.imul(hash, FACTOR_4) + Math.imul(bytes[i], FACTOR_3) + Math.imul(bytes[i + 1], FACTOR_2) +
        Math.imul(bytes[i + 2], FACTOR) + bytes[i + 3] | 0;
  }
  for (; i < end; i++) hash = Math.imul(hash, FACTOR) + bytes[i] | 0;
  return hash >>> 0;
}

/** By what a byte counts that leaves a weak hash over `length` bytes. */
export function leavingFactor(length: number): number {
  let factor = 1;
  for (let i = 0; i < length; i++) factor = Math.imul(factor, FACTOR);
  return factor;
}

/** The strong hash of `length` bytes, a multiple of four, as 64 bits in two halves. */
export function strongHash(view: DataView, start: number, length: number): Strong {
  let a = 0x243f6a88 ^ length, b = 0x85a308d3 | 0;
  for (let i = start, end = start + length; i < end; i += 4) {
    const word = view.getUint32(i, true);
    a = Math.imul(a ^ word, 0x9e3779b1);
    a ^= a >>> 15;
    b = Math.imul((b << 13 | b >>> 19) + word | 0, 0x85ebca77);
  }
  return { high: finish(a ^ b >>> 7), low: finish(b + Math.imul(a, 0xc2b2ae3d) | 0) };
}

function finish(hash: number): number {
  hash = Math.imul(hash ^ hash >>> 16, 0x85ebca6b);
  hash = Math.imul(hash ^ hash >>> 13, 0xc2b2ae35);
  return (hash ^ hash >>> 16) >>> 0;
}

/** Which bits of the two halves travel when `bytes` of them do. */
export function strongMask(bytes: number): Strong {
  const high = bytes >= 4 ? 0xffffffff : (0xffffffff << (32 - 8 * bytes)) >>> 0;
  const low = bytes <= 4 ? 0 : (0xffffffff << (64 - 8 * bytes)) >>> 0;
  return { high, low };
}

/** log2 of the block length for signatures of `bytes`: 256 bytes, and longer when there would be too many. */
export function blockBitsFor(bytes: number): number {
  let bits = MIN_BLOCK_BITS;
  while (bits < MAX_BLOCK_BITS && bytes / 2 ** bits > MAX_BLOCKS * 3 / 4) bits++;
  return bits;
}

/**
 * Bytes of strong hash that make a wrong match anywhere in `searched` bytes one in a thousand: fewer would cost more
 * in files sent whole, more would cost more in signatures.
 */
export function strongBytesFor(blocks: number, searched: number): number {
  const bits = Math.log2(Math.max(1, blocks)) + Math.log2(Math.max(1, searched)) + 10 - 32;
  return Math.min(MAX_STRONG_BYTES, Math.max(MIN_STRONG_BYTES, Math.ceil(bits / 8)));
}

/** Where the blocks lie in `ranges`: end to end, and one more at the end of a range that they do not fill. */
export function blockOffsets(ranges: readonly Range[], blockBytes: number): Float64Array {
  let count = 0;
  for (const { length } of ranges) if (length >= blockBytes) count += Math.ceil(length / blockBytes);
  const offsets = new Float64Array(count);
  let next = 0;
  for (const { start, length } of ranges) {
    if (length < blockBytes) continue;
    for (let at = 0; at + blockBytes <= length; at += blockBytes) offsets[next++] = start + at;
    if (length % blockBytes !== 0) offsets[next++] = start + length - blockBytes;
  }
  return offsets;
}

/** Room for the signatures of `count` blocks. */
export function newSignatures(count: number, blockBytes: number, strongBytes: number): Signatures {
  const [weak, high, low] = [0, 1, 2].map(() => new Uint32Array(count));
  return { blockBytes, strongBytes, count, weak, high, low };
}
