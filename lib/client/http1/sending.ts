/** The body of a request on its way out, which the server may cut short by its answer. */
import type { Call } from "./call.ts";
import type { Output } from "./output.ts";
import { isChunked, type Pieces } from "./request.ts";

/** So long a server is waited for that was asked whether it wants the body (RFC 9110 section 10.1.1); curl's number. */
const ASK_MS = 1000;

const END = new TextEncoder().encode("0\r\n\r\n");

/** What the sending of one body came to. */
export type Sent =
  | { kind: "whole" }
  /** The rest is not sent: the server has answered without it. */
  | { kind: "stopped" }
  /** The connection broke. */
  | { kind: "broken"; error: unknown }
  /** The body could not be read. */
  | { kind: "unreadable"; error: unknown };

/** Sends the body of a call whose head has been added to `output`. */
export class Sending {
  readonly done: Promise<Sent>;
  isOver = false;
  #stopped = false;
  #going: (() => void) | undefined;
  #framed = new Uint8Array(0);

  constructor(readonly output: Output, readonly call: Call) {
    this.done = this.#send().finally(() => this.isOver = true);
  }

  /** Whether all of it goes, once that is known. */
  async isWhole(): Promise<boolean> {
    return (await this.done).kind === "whole";
  }

  /** The server wants the body. */
  go(): void {
    this.#going?.();
  }

  /** No more of it is wanted. */
  stop(): void {
    this.#stopped = true;
    this.#going?.();
  }

  async #send(): Promise<Sent> {
    const { output, call } = this;
    output.flush();
    if (call.asks) await this.#asked();
    if (this.#stopped) return { kind: "stopped" };
    let pieces: Pieces | undefined;
    try {
      pieces = call.request.body!.open();
      return await this.#pieces(pieces);
    } catch (error) {
      return { kind: "unreadable", error };
    } finally {
      pieces?.close();
    }
  }

  async #pieces(pieces: Pieces): Promise<Sent> {
    const chunked = isChunked(this.call.request);
    let ahead: Promise<Uint8Array | null> | undefined;
    for (;;) {
      const piece = await (ahead ?? pieces.next());
      if (this.#stopped) return { kind: "stopped" };
      const framed = piece === null ? END : chunked ? this.#chunk(piece) : piece;
      if (chunked && piece !== null) {
        // It has been copied, so the next one can come while it is written.
        ahead = Promise.resolve(pieces.next());
        ahead.catch(() => {});
      }
      try {
        if (chunked || piece !== null) await this.output.write(framed);
        if (piece === null) return { kind: "whole" };
      } catch (error) {
        return { kind: "broken", error };
      }
    }
  }

  /** `piece` as a chunk, in a buffer that is used again. */
  #chunk(piece: Uint8Array): Uint8Array {
    const size = new TextEncoder().encode(piece.length.toString(16) + "\r\n");
    const length = size.length + piece.length + 2;
    if (this.#framed.length < length) this.#framed = new Uint8Array(length + 16);
    this.#framed.set(size);
    this.#framed.set(piece, size.length);
    this.#framed.set([13, 10], length - 2);
    return this.#framed.subarray(0, length);
  }

  #asked(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#going = resolve;
    const timer = setTimeout(resolve, ASK_MS);
    return promise.finally(() => clearTimeout(timer));
  }
}
