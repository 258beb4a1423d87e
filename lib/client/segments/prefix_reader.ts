/** Reads a file that comes in segments in its order, for digests: each byte as soon as all before it are there. */
import { turn, Turns } from "../../core/turn.ts";

export interface PrefixOptions {
  /** How many bytes there will be. */
  size: number;
  /** How many are there now, from the first one on. */
  there(): number;
  /** Fills `buffer` from `offset` on. */
  read(buffer: Uint8Array, offset: number): number;
  /** Gets all of them; the buffer is the reader's again afterwards. */
  take(bytes: Uint8Array): void;
}

const PIECE = 1 << 20;

export class PrefixReader {
  #at = 0;
  #hurried = false;
  #news = Promise.withResolvers<void>();

  constructor(readonly options: PrefixOptions) {}

  /** More bytes are there. */
  wake(): void {
    this.#news.resolve();
  }

  /** All are there: nobody has to be let in between any more. */
  hurry(): void {
    this.#hurried = true;
    this.wake();
  }

  /** Until all bytes have been taken. Throws the reason of `signal`, and what `read` throws. */
  async run(signal: AbortSignal): Promise<void> {
    const { size, there, read, take } = this.options;
    const buffer = new Uint8Array(Math.min(PIECE, size));
    const turns = new Turns();
    const stop = () => this.wake();
    signal.addEventListener("abort", stop);
    try {
      while (this.#at < size) {
        signal.throwIfAborted();
        const ready = Math.min(there() - this.#at, PIECE);
        // In small pieces, so that little is asked of the connections' patience; the last one is what is left.
        if (ready < PIECE && this.#at + ready < size) {
          await this.#news.promise;
          this.#news = Promise.withResolvers();
        } else {
          const count = read(buffer.subarray(0, ready), this.#at);
          if (count < ready) throw new Error(`${count} bytes where ${ready} have been written`);
          take(buffer.subarray(0, count));
          this.#at += count;
        }
        await (this.#hurried ? turns.due(signal) : turn(signal));
      }
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }
}
