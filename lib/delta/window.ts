/** A window that moves over content with its weak hash, as far as no block can begin there. */
import { FACTOR, leavingFactor, weakHash } from "./signature.ts";

/**
 * Two sets of bits say which hashes the blocks have (Bloom, 1970): small enough for the processor's cache, where the table
 * of all blocks is not. Only a hash in both is worth a look into it.
 */
const MIN_FILTER_BITS = 10;
const MAX_FILTER_BITS = 22;

/** Bits for each block, as log2. */
const SPARE_BITS = 4;

/** Spreads the bits of a weak hash, of which the lower ones say little; another factor for the second set. */
export const SPREAD = 0x9e3779b1;
const SECOND_SPREAD = 0x85ebca77;

/** The window, as long as a block. */
export class Window {
  /** Where it begins. */
  at = 0;
  /** Its hash, with a sign: larger numbers would be doubles to the machine, at a tenth of the pace. */
  hash = 0;
  readonly #length: number;
  readonly #filter: Int32Array;
  /** By how much a hash is shifted to be a place in one of the sets, and where the second begins. */
  readonly #shift: number;
  readonly #second: number;
  /** By what each byte counts that leaves. */
  readonly #leaving = new Int32Array(256);

  /** A window of `length` bytes, for so many blocks. */
  constructor(length: number, blocks: number) {
    this.#length = length;
    const bits = Math.ceil(Math.log2(blocks + 1)) + SPARE_BITS;
    const filterBits = Math.min(MAX_FILTER_BITS, Math.max(MIN_FILTER_BITS, bits));
    this.#shift = 32 - filterBits;
    this.#second = 1 << (filterBits - 5);
    this.#filter = new Int32Array(2 * this.#second);
    const factor = leavingFactor(length);
    for (let byte = 0; byte < 256; byte++) this.#leaving[byte] = Math.imul(byte, factor);
  }

  /** Takes note of the weak hash of a block. */
  expect(weak: number): void {
    const shift = this.#shift, secondSet = this.#second;
    const first = Math.imul(weak, SPREAD) >>> shift;
    const second = Math.imul(weak, SECOND_SPREAD) >>> shift;
    this.#filter[first >>> 5] |= 1 << (first & 31);
    this.#filter[secondSet + (second >>> 5)] |= 1 << (second & 31);
  }

  /** Begins anew at `at`. */
  place(bytes: Uint8Array, at: number): void {
    this.at = at;
    this.hash = weakHash(bytes, at, this.#length) | 0;
  }

  /**
   * Moves on to the next place where a block may begin, by at least `least` bytes. False when there is none up
   * to `end`, the last place to look at; then it stands behind that.
   */
  advance(bytes: Uint8Array, end: number, least: 0 | 1): boolean {
    const filter = this.#filter, leaving = this.#leaving, length = this.#length;
    const shift = this.#shift, secondSet = this.#second;
    let at = this.at, hash = this.hash;
    // Nothing is read behind the end: even once, that would make every read slower.
    if (least === 1 && at < end) {
      hash = Math.imul(hash, FACTOR) + bytes[at + length] - leaving[bytes[at]] | 0;
      at++;
    } else if (least === 1) {
      at = end + 1;
    }
    for (; at < end; at++) {
      const first = Math.imul(hash, SPREAD) >>> shift;
      if ((filter[first >>> 5] & 1 << (first & 31)) !== 0) {
        const second = Math.imul(hash, SECOND_SPREAD) >>> shift;
        if ((filter[secondSet + (second >>> 5)] & 1 << (second & 31)) !== 0) break;
      }
      hash = Math.imul(hash, FACTOR) + bytes[at + length] - leaving[bytes[at]] | 0;
    }
    // The last place is looked at in any case.
    this.at = at;
    this.hash = hash;
    return at <= end;
  }
}
