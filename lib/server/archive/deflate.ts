/** DEFLATE (RFC 1951) block by block: what shrinks is compressed, the rest is passed on as it is. */
import * as zlib from "node:zlib";

/** Three times as fast as level 6, which makes text a tenth smaller (docs/design.md). */
const LEVEL = 1;

/** What does not become this much smaller is not worth the time of both sides. */
const WORTH = 0.95;

/** Fewer bytes gain nothing. */
const LEAST = 64;

/** A piece of this size out of the middle tells whether a block is worth the trying. */
const SAMPLE = 16 * 1024;

/** As many blocks at most are passed on untried after one that did not shrink. */
const MOST_UNTRIED = 16;

/** The longest stored block (RFC 1951 section 3.2.4). */
const STORED = 0xffff;

/** The bytes in a stream of their own, complete; null where that is not worth it. */
export function deflateWhole(bytes: Uint8Array): Uint8Array | null {
  if (!shrinks(bytes)) return null;
  const packed = deflate(bytes);
  return packed.length < bytes.length * WORTH ? packed : null;
}

/** One stream out of blocks that come one after the other. */
export class DeflateBlocks {
  #untried = 0;
  #next = 1;

  /** What `block` becomes; with `last` the stream ends. */
  add(block: Uint8Array, last: boolean): Uint8Array[] {
    if (this.#untried > 0) {
      this.#untried--;
      return stored(block, last);
    }
    if (shrinks(block)) {
      const packed = deflate(block, last ? zlib.constants.Z_FINISH : zlib.constants.Z_SYNC_FLUSH);
      if (packed.length < block.length * WORTH) {
        this.#next = 1;
        return [packed];
      }
    }
    this.#untried = this.#next;
    this.#next = Math.min(MOST_UNTRIED, this.#next * 2);
    return stored(block, last);
  }
}

function shrinks(bytes: Uint8Array): boolean {
  if (bytes.length < SAMPLE * 4) return bytes.length >= LEAST;
  const start = (bytes.length - SAMPLE) >> 1;
  const sample = bytes.subarray(start, start + SAMPLE);
  return deflate(sample).length < SAMPLE * WORTH;
}

function deflate(bytes: Uint8Array, finishFlush = zlib.constants.Z_FINISH): Uint8Array {
  // What comes out takes so much memory at a time, however little it is.
  const chunkSize = Math.min(8 * 1024, bytes.length + 64);
  return zlib.deflateRawSync(bytes, { level: LEVEL, chunkSize, finishFlush });
}

/** Blocks that are not compressed: five bytes more for each 64 KiB. */
function stored(bytes: Uint8Array, last: boolean): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length || pieces.length === 0; at += STORED) {
    const piece = bytes.subarray(at, at + STORED);
    const head = new DataView(new ArrayBuffer(5));
    head.setUint8(0, last && at + STORED >= bytes.length ? 1 : 0);
    head.setUint16(1, piece.length, true);
    head.setUint16(3, ~piece.length & 0xffff, true);
    pieces.push(new Uint8Array(head.buffer), piece);
  }
  return pieces;
}
