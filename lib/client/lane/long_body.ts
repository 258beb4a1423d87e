/** A body on its way that is not small, and not so long that it is worth a connection of its own. */
import type { Head } from "../http1/head.ts";
import type { Input } from "../http1/input.ts";

/** Read in such pieces where it is not wanted. */
const PIECE = 32 * 1024;

export class LongBody {
  /** All of it, when it is whole; null where it is not wanted after all. */
  readonly content: Uint8Array<ArrayBuffer> | null;
  #have = 0;

  /** The `size` bytes that follow `head`, to be put into `memory`. */
  constructor(readonly head: Head, readonly size: number, memory: ArrayBuffer | null) {
    this.content = memory && new Uint8Array(memory, 0, size);
  }

  get isWhole(): boolean {
    return this.#have === this.size;
  }

  /** Takes what is here of it. */
  begin(input: Input): void {
    const first = input.here.subarray(0, this.size);
    this.content?.set(first);
    input.take(first.length);
    this.#have = first.length;
  }

  /** Reads once; false at the end of the connection. Throws what that throws. */
  async read(input: Input): Promise<boolean> {
    const left = this.size - this.#have;
    const view = this.content?.subarray(this.#have) ?? new Uint8Array(Math.min(left, PIECE));
    const count = await input.readInto(view);
    if (count === null) return false;
    this.#have += count;
    return true;
  }
}
