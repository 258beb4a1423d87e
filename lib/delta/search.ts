/** Finds blocks that a receiver has, wherever they begin in new content (Tridgell, "Efficient Algorithms for Sorting and Synchronization", 1999). */
import { leavingFactor, rollWeak, type Signatures, strongHash, strongMask, weakHash } from "./signature.ts";

/** What the search finds, in the order of the content. */
export interface Findings {
  /** Bytes that have to travel, valid only now. */
  literal(bytes: Uint8Array): void;
  /** The block of this number. */
  copy(block: number): void;
}

/** Blocks that are kept for one value of the table: a peer that sends more of them gains nothing by it. */
const MAX_CHAIN = 8;

/** Content in which next to nothing is found is searched no further than this. */
const GIVE_UP_BYTES = 64 * 1024 * 1024;
const GIVE_UP_SHARE = 256;

/** A bit for each of so many values says whether any block has it: small enough for the processor's cache. */
const FILTER_BITS = 22;

export class Searcher {
  readonly #signatures: Signatures;
  readonly #factor: number;
  readonly #mask: { high: number; low: number };
  readonly #heads: Int32Array;
  readonly #nexts: Int32Array;
  readonly #shift: number;
  readonly #filter = new Uint32Array(2 ** (FILTER_BITS - 5));
  /** The block behind the last one found: the likeliest. */
  #expected = 0;
  #scanned = 0;
  #copied = 0;
  /** Bytes that were hashed for blocks that were none. */
  #wasted = 0;

  constructor(signatures: Signatures) {
    this.#signatures = signatures;
    this.#factor = leavingFactor(signatures.blockBytes);
    this.#mask = strongMask(signatures.strongBytes);
    let bits = 8;
    while (2 ** bits < 2 * signatures.count) bits++;
    this.#shift = 32 - bits;
    this.#heads = new Int32Array(2 ** bits).fill(-1);
    this.#nexts = new Int32Array(signatures.count).fill(-1);
    // The first of equal blocks shall be found first.
    for (let block = signatures.count - 1; block >= 0; block--) this.#enter(block);
  }

  #enter(block: number): void {
    const { weak } = this.#signatures;
    const mixed = Math.imul(weak[block], 0x9e3779b1);
    const slot = mixed >>> this.#shift;
    let length = 0;
    let before = -1;
    for (let i = this.#heads[slot]; i !== -1; before = i, i = this.#nexts[i]) {
      if (++length < MAX_CHAIN) continue;
      // The last one of a full chain makes room.
      if (before === -1) this.#heads[slot] = -1;
      else this.#nexts[before] = -1;
      break;
    }
    this.#nexts[block] = this.#heads[slot];
    this.#heads[slot] = block;
    const bit = mixed >>> (32 - FILTER_BITS);
    this.#filter[bit >>> 5] |= 1 << (bit & 31);
  }

  /**
   * Searches `bytes` and tells `out` of what lies in them. Unless this is the last piece, the end is left over where a
   * block might begin that goes on in the next: gives how many bytes are done.
   */
  scan(bytes: Uint8Array, last: boolean, out: Findings): number {
    const { blockBytes, count } = this.#signatures;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const end = bytes.length - blockBytes;
    const factor = this.#factor, filter = this.#filter;
    let literal = 0, at = 0;
    if (count > 0 && !this.#hopeless()) {
      while (at <= end) {
        let hash = weakHash(bytes, at, blockBytes);
        let found = -1;
        for (;;) {
          const bit = Math.imul(hash, 0x9e3779b1) >>> (32 - FILTER_BITS);
          if ((filter[bit >>> 5] & 1 << (bit & 31)) !== 0) {
            found = this.#find(hash, view, at);
            if (found !== -1) break;
          }
          if (at >= end) break;
          hash = rollWeak(hash, bytes[at], bytes[at + blockBytes], factor);
          at++;
        }
        if (found === -1) {
          at++;
          break;
        }
        if (at > literal) out.literal(bytes.subarray(literal, at));
        out.copy(found);
        this.#expected = found + 1;
        this.#copied += blockBytes;
        literal = at += blockBytes;
      }
    } else {
      at = bytes.length;
    }
    if (last) at = bytes.length;
    if (at > literal) out.literal(bytes.subarray(literal, at));
    this.#scanned += at;
    return at;
  }

  #hopeless(): boolean {
    if (this.#wasted > 4 * this.#scanned + GIVE_UP_BYTES) return true;
    return this.#scanned > GIVE_UP_BYTES && this.#copied < this.#scanned / GIVE_UP_SHARE;
  }

  /** The block at `at`, whose weak hash is `hash`; -1 for none. */
  #find(hash: number, view: DataView, at: number): number {
    const { weak, high, low, count, blockBytes } = this.#signatures;
    const slot = Math.imul(hash, 0x9e3779b1) >>> this.#shift;
    const expected = this.#expected < count && weak[this.#expected] === hash ? this.#expected : -1;
    let candidate = expected !== -1 ? expected : this.#heads[slot];
    while (candidate !== -1 && weak[candidate] !== hash) candidate = this.#nexts[candidate];
    // A peer whose blocks all look alike and are not would have every byte hashed again and again.
    if (candidate === -1 || this.#wasted > 4 * this.#scanned + GIVE_UP_BYTES) return -1;
    const strong = strongHash(view, at, blockBytes);
    const wantHigh = (strong.high & this.#mask.high) >>> 0, wantLow = (strong.low & this.#mask.low) >>> 0;
    const fits = (block: number) =>
      weak[block] === hash && high[block] === wantHigh && low[block] === wantLow;
    if (expected !== -1 && fits(expected)) return expected;
    for (let i = this.#heads[slot]; i !== -1; i = this.#nexts[i]) if (fits(i)) return i;
    this.#wasted += blockBytes;
    return -1;
  }
}
