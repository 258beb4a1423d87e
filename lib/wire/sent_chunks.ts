import { OLD_RUNTIME } from "../core/runtime.ts";

/** A stream holds one chunk in its queue, and whoever reads it another; further ones are the network's. */
const KEPT = 4;

/**
 * Old runtimes let a gigabyte of the chunks of a stream go by before they collect one. This gives up the memory of
 * those that are certainly on their way to the network, which holds it for itself.
 */
export class SentChunks {
  readonly #recent: Uint8Array<ArrayBuffer>[] = [];
  readonly #used: boolean;

  /** Newer runtimes collect them in time; `always` spares them that too, for chunks that each have their own memory. */
  constructor(options: { always: boolean } = { always: false }) {
    this.#used = OLD_RUNTIME || options.always;
  }

  /** Takes note of a chunk that is about to be put into a stream, and that nobody else will use. */
  add(chunk: Uint8Array<ArrayBuffer>): void {
    if (!this.#used) return;
    this.#recent.push(chunk);
    if (this.#recent.length > KEPT) this.#recent.shift()!.buffer.transfer(0);
  }
}
