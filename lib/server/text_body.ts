/** A long text as a body: made piece by piece, as fast as the other side takes it. */

/** Text whose length nobody knows yet. */
export class TextBody {
  readonly length = null;
  readonly #pieces: Iterator<string>;

  /** Each piece is made when it is about to be sent. */
  constructor(pieces: Iterator<string>) {
    this.#pieces = pieces;
  }

  /** Nobody will read it. */
  close(): void {
    this.#pieces.return?.();
  }

  /** The text as UTF-8. `sent` is told at the end how many bytes it was. */
  stream(sent: (bytes: number) => void): ReadableStream<Uint8Array<ArrayBuffer>> {
    const encoder = new TextEncoder();
    let bytes = 0;
    const end = () => sent(bytes);
    return new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull: (controller) => {
        try {
          const { value, done } = this.#pieces.next();
          if (done) {
            controller.close();
            return end();
          }
          const chunk = encoder.encode(value);
          bytes += chunk.length;
          controller.enqueue(chunk);
        } catch (error) {
          end();
          throw error;
        }
      },
      cancel: () => {
        this.close();
        end();
      },
    }, { highWaterMark: 1 });
  }
}
