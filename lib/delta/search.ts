/** Finds blocks that a receiver has, wherever they begin in new content (Tridgell, "Efficient Algorithms for Sorting and Synchronization", 1999). */
import { type Signatures, type Strong, strongHash, strongMask } from "./signature.ts";
import { SPREAD, Window } from "./window.ts";

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

/** The search through one piece of content after the other, for the blocks of `signatures`. */
export class Searcher {
  readonly #signatures: Signatures;
  readonly #window: Window;
  /** The weak hashes, with a sign as the window's. */
  readonly #weak: Int32Array;
  readonly #mask: { high: number; low: number };
  readonly #heads: Int32Array;
  readonly #nexts: Int32Array;
  readonly #shift: number;
  /** The block behind the last one found: the likeliest. */
  #expected = 0;
  #scanned = 0;
  #copied = 0;
  /** Bytes that were hashed for blocks that were none. */
  #wasted = 0;

  constructor(signatures: Signatures) {
    this.#signatures = signatures;
    this.#window = new Window(signatures.blockBytes, signatures.count);
    const { weak } = signatures;
    this.#weak = new Int32Array(weak.buffer, weak.byteOffset, weak.length);
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
    const slot = Math.imul(weak[block], SPREAD) >>> this.#shift;
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
    this.#window.expect(weak[block]);
  }

  /**
   * Searches `bytes` and tells `out` of what lies in them. Unless this is the last piece, the end is left over where a
   * block might begin that goes on in the next: gives how many bytes are done.
   */
  scan(bytes: Uint8Array, last: boolean, out: Findings): number {
    const { blockBytes, count } = this.#signatures;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const end = bytes.length - blockBytes;
    const window = this.#window;
    let literal = 0, at = 0;
    if (count === 0 || this.#hopeless()) {
      at = bytes.length;
    } else if (end >= 0) {
      window.place(bytes, 0);
      let least: 0 | 1 = 0;
      while (window.advance(bytes, end, least)) {
        least = 1;
        const found = this.#find(window.hash, view, window.at);
        if (found === -1) continue;
        at = window.at;
        if (at > literal) out.literal(bytes.subarray(literal, at));
        out.copy(found);
        this.#expected = found + 1;
        this.#copied += blockBytes;
        literal = at += blockBytes;
        window.at = at;
        if (at > end) break;
        window.place(bytes, at);
        least = 0;
      }
      at = window.at;
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
    const weak = this.#weak, nexts = this.#nexts, expected = this.#expected;
    const slot = Math.imul(hash, SPREAD) >>> this.#shift;
    let candidate = this.#heads[slot];
    if (expected < weak.length && weak[expected] === hash) candidate = expected;
    while (candidate !== -1 && weak[candidate] !== hash) candidate = nexts[candidate];
    // A peer whose blocks all look alike and are not would have every byte hashed again and again.
    if (candidate === -1 || this.#wasted > 4 * this.#scanned + GIVE_UP_BYTES) return -1;
    return this.#confirm(hash, slot, strongHash(view, at, this.#signatures.blockBytes));
  }

  /** The block with these hashes, the expected one first; -1 for none. */
  #confirm(hash: number, slot: number, strong: Strong): number {
    const { high, low, blockBytes } = this.#signatures;
    const weak = this.#weak, mask = this.#mask;
    const wantHigh = (strong.high & mask.high) >>> 0, wantLow = (strong.low & mask.low) >>> 0;
    const fits = (block: number) =>
      block < weak.length && weak[block] === hash && high[block] === wantHigh && low[block] === wantLow;
    if (fits(this.#expected)) return this.#expected;
    for (let i = this.#heads[slot]; i !== -1; i = this.#nexts[i]) if (fits(i)) return i;
    this.#wasted += blockBytes;
    return -1;
  }
}
