/** A content as a list of chunks: how long each is and a short name of what is in it. */
import { crc32 } from "node:zlib";
import { type ChunkSizes, nextCut } from "./chunker.ts";

/** Knows of some chunks where they end. */
export interface ChunkGuess {
  /** The chunk that `bytes` begin with, where it is the one that is likely there. */
  match(bytes: Uint8Array): { length: number; name: number } | null;
  /** Another chunk was there, of this name. */
  missed(name: number): void;
}

/**
 * Bytes that name a chunk, together with its length: a wrong match among a million chunks is once in thousands of
 * files, and the SHA-256 of the whole file finds it.
 */
export const CHUNK_NAME_BYTES = 5;

/** Chunks in order; grows as it is filled. */
export class ChunkList {
  #lengths = new Uint32Array(256);
  #names = new Float64Array(256);
  #count = 0;
  #bytes = 0;

  /** How many there are. */
  get count(): number {
    return this.#count;
  }

  /** What they add up to. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The length of the chunk at `index`. */
  lengthAt(index: number): number {
    return this.#lengths[index];
  }

  /** The name of the chunk at `index`: `chunkName` of what is in it. */
  nameAt(index: number): number {
    return this.#names[index];
  }

  add(length: number, name: number): void {
    if (this.#count === this.#lengths.length) {
      const lengths = new Uint32Array(this.#count * 2), names = new Float64Array(this.#count * 2);
      lengths.set(this.#lengths);
      names.set(this.#names);
      this.#lengths = lengths;
      this.#names = names;
    }
    this.#lengths[this.#count] = length;
    this.#names[this.#count++] = name;
    this.#bytes += length;
  }
}

/**
 * The name of a chunk, 40 bits: its CRC-32, and above that the lowest byte of the CRC-32 of its first half. Whoever
 * writes a content can make two chunks of one name; that costs the whole file on the wire and nothing else.
 */
export function chunkName(bytes: Uint8Array): number {
  const half = bytes.length >>> 1;
  const first = crc32(bytes.subarray(0, half));
  // Not going on from `first`: Deno 2.4 gets that wrong (wire/block_digest.ts).
  return (first & 0xff) * 2 ** 32 + crc32(bytes);
}

/**
 * Cuts content that comes piece by piece. The bytes of a piece are used before `push` returns; what of them is not
 * yet a whole chunk is kept.
 */
export class ChunkCutter {
  readonly #sizes: ChunkSizes;
  readonly #found: (length: number, name: number) => void;
  readonly #guess: ChunkGuess | undefined;
  #kept: Uint8Array;
  #length = 0;

  /** `found` is told of each chunk; `guess` may know where they end. */
  constructor(sizes: ChunkSizes, found: (length: number, name: number) => void, guess?: ChunkGuess) {
    this.#sizes = sizes;
    this.#found = found;
    this.#guess = guess;
    this.#kept = new Uint8Array(2 * sizes.max);
  }

  push(piece: Uint8Array): void {
    const { max } = this.#sizes;
    let at = 0;
    // What is left of the piece before is completed so far that its chunks end within this one.
    while (this.#length > 0 && at < piece.length) {
      const part = piece.subarray(at, at + this.#kept.length - this.#length);
      this.#kept.set(part, this.#length);
      const had = this.#length;
      this.#length += part.length;
      at += part.length;
      let start = 0;
      // A cut behind what was kept leads on in the piece itself.
      while (start < had && this.#length - start >= max) {
        start = this.#cut(this.#kept, start, this.#length);
      }
      if (start < had) {
        this.#kept.copyWithin(0, start, this.#length);
        this.#length -= start;
      } else {
        at -= this.#length - start;
        this.#length = 0;
      }
    }
    while (piece.length - at >= max) at = this.#cut(piece, at, piece.length);
    if (at === piece.length) return;
    this.#kept.set(piece.subarray(at), 0);
    this.#length = piece.length - at;
  }

  /** The content has ended. */
  finish(): void {
    for (let start = 0; start < this.#length;) start = this.#cut(this.#kept, start, this.#length);
    this.#length = 0;
  }

  #cut(bytes: Uint8Array, start: number, end: number): number {
    const guessed = this.#guess?.match(bytes.subarray(start, end)) ?? null;
    if (guessed !== null) {
      this.#found(guessed.length, guessed.name);
      return start + guessed.length;
    }
    const cut = nextCut(bytes, start, end, this.#sizes);
    const name = chunkName(bytes.subarray(start, cut));
    this.#guess?.missed(name);
    this.#found(cut - start, name);
    return cut;
  }
}
