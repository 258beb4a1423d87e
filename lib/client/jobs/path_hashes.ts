/** Slots at first; there are always twice as many as paths, or more. A power of two. */
const SLOTS = 1024;

/**
 * A set of any number of paths in 16 bytes or so for each: what it keeps of one is a hash of 64 bits. Of a million paths
 * one is taken for another in one run of thirty million.
 */
export class PathHashes {
  /** The two halves of each hash, one behind the other; both 0 where there is none. */
  #halves = new Uint32Array(2 * SLOTS);
  #size = 0;
  /** Another one each time, so that nobody can choose paths that fall together. */
  readonly #seed = crypto.getRandomValues(new Uint32Array(1))[0];
  #high = 0;
  #low = 0;

  has(path: string): boolean {
    this.#hash(path);
    return this.#halves[this.#slot()] !== 0;
  }

  add(path: string): void {
    this.#hash(path);
    const slot = this.#slot();
    if (this.#halves[slot] !== 0) return;
    this.#halves[slot] = this.#high;
    this.#halves[slot + 1] = this.#low;
    if (++this.#size * 4 > this.#halves.length) this.#grow();
  }

  /** Where the hash is, or would be. */
  #slot(): number {
    const mask = this.#halves.length - 1;
    for (let slot = (this.#low << 1) & mask;; slot = (slot + 2) & mask) {
      const high = this.#halves[slot];
      if (high === 0 || (high === this.#high && this.#halves[slot + 1] === this.#low)) return slot;
    }
  }

  #grow(): void {
    const old = this.#halves;
    this.#halves = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += 2) {
      if (old[at] === 0) continue;
      this.#high = old[at];
      this.#low = old[at + 1];
      const slot = this.#slot();
      this.#halves[slot] = this.#high;
      this.#halves[slot + 1] = this.#low;
    }
  }

  /** Two hashes at once, as MurmurHash mixes them. The first half is never 0. */
  #hash(path: string): void {
    let high = this.#seed ^ 0xdeadbeef, low = this.#seed ^ 0x41c6ce57;
    for (let at = 0; at < path.length; at++) {
      const unit = path.charCodeAt(at);
      high = Math.imul(high ^ unit, 0x9e3779b1);
      low = Math.imul(low ^ unit, 0x5f356495);
    }
    high = Math.imul(high ^ (high >>> 16), 0x85ebca6b) ^ Math.imul(low ^ (low >>> 13), 0xc2b2ae35);
    low = Math.imul(low ^ (low >>> 16), 0x85ebca6b) ^ Math.imul(high ^ (high >>> 13), 0xc2b2ae35);
    this.#high = (high >>> 0) || 1;
    this.#low = low >>> 0;
  }
}
