import type { Exchange } from "./watch.ts";

const PIECE = 64 * 1024;

/** Bytes as a body that goes out at the pace of its exchange; a Blob, so that it has a Content-Length. */
export class PacedBody extends Blob {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #exchange: Exchange;

  constructor(bytes: Uint8Array<ArrayBuffer>, exchange: Exchange) {
    super([]);
    this.#bytes = bytes;
    this.#exchange = exchange;
  }

  override get size(): number {
    return this.#bytes.length;
  }

  override stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const bytes = this.#bytes, exchange = this.#exchange;
    let at = 0;
    return new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull: async (controller) => {
        const part = bytes.slice(at, at + exchange.outPiece(PIECE));
        await exchange.sent(part.length);
        at += part.length;
        exchange.wait();
        if (part.length > 0) controller.enqueue(part);
        if (at === bytes.length) controller.close();
      },
    }, { highWaterMark: 0 });
  }
}
