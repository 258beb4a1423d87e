/** Memory for the chunks of one long stream, used again once the network has certainly let go of it. */

/** One chunk. Larger ones gain nothing and cost memory for each open stream. */
export const CHUNK = 256 * 1024;

/**
 * Chunks in the ring. A stream is not told when a chunk has been sent, but it is asked for the next one only then when
 * the runtime (ext/web/stream_resource.rs, ext/http/http_next.rs) holds no more of the ones before than this: in its
 * channel the last one and less than 64 KiB more, the 64 KiB that are being written, and on HTTP/2 the 400 KiB of
 * hyper's send buffer for a stream. That is less than 784 KiB; a chunk is used again after five others, 1280 KiB.
 */
const CHUNKS = 6;

/** The chunks of one stream. It must be read to its end in the order in which they are given. */
export class ChunkRing {
  readonly #chunks: Uint8Array<ArrayBuffer>[] = [];
  #current = 0;
  #used = 0;

  /** At most `most` bytes, to be filled from the start; then `fill` is told how many were. */
  next(most: number): Uint8Array<ArrayBuffer> {
    const chunk = this.#chunks[this.#current] ??= new Uint8Array(CHUNK);
    return chunk.subarray(this.#used, Math.min(CHUNK, this.#used + most));
  }

  /** `count` bytes of what `next` gave are on their way. A chunk is filled up before another one begins. */
  fill(count: number): void {
    this.#used += count;
    if (this.#used < CHUNK) return;
    this.#used = 0;
    this.#current = (this.#current + 1) % CHUNKS;
  }

  /** Gives the memory up, which the network holds for itself until it has let go of it: no need to wait for the collector. */
  release(): void {
    for (const chunk of this.#chunks.splice(0)) chunk.buffer.transfer(0);
  }
}
