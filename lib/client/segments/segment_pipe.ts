/** A download in segments that goes into a pipe: what comes too early waits in a window of memory. */
import { orAbort } from "../pump.ts";
import type { Sink } from "../sink.ts";
import type { SegmentStore } from "./segment_store.ts";
import { addSpan, type Span } from "./spans.ts";

/** So many bytes at most wait for those before them. */
const WINDOW = 32 << 20;

/** With more connections each would have little room in the window, and take memory from it. */
export const MOST_INTO_PIPE = 24;

/** How many bytes wait at most: the memory that many connections take is taken from the window. */
export function windowFor(connections: number): number {
  return connections > 8 ? WINDOW * 3 / 4 : WINDOW;
}

export interface PipeOptions {
  window?: number;
  /** Told of all bytes in their order, after they have gone out. */
  sent?(bytes: Uint8Array): void;
  /** More bytes are taken now. */
  moved(): void;
  failed(error: unknown): void;
}

/** The way to a sink that takes bytes in order only. */
export class SegmentPipe implements SegmentStore {
  readonly #ring: Uint8Array<ArrayBuffer>;
  /** The first byte that has not gone out. */
  #next = 0;
  #waiting: Span[] = [];
  #sending = false;
  #sent: Promise<void> = Promise.resolve();
  #failure: { error: unknown } | undefined;

  constructor(readonly sink: Sink, readonly options: PipeOptions) {
    this.#ring = new Uint8Array(options.window ?? WINDOW);
  }

  /** Whether anything has gone out. */
  get started(): boolean {
    return this.#next > 0 || this.#sending;
  }

  get before(): number {
    return this.#next + this.#ring.length;
  }

  write(at: number, bytes: Uint8Array): void {
    if (at < this.#next || at + bytes.length > this.before) {
      throw new RangeError(`no room for the bytes at ${at}`);
    }
    const place = at % this.#ring.length;
    const first = bytes.subarray(0, this.#ring.length - place);
    this.#ring.set(first, place);
    this.#ring.set(bytes.subarray(first.length));
    this.#waiting = addSpan(this.#waiting, { start: at, end: at + bytes.length });
    if (!this.#sending && this.#failure === undefined) this.#sent = this.#send();
  }

  /** Waits until all that can go out has gone. Throws what the sink threw, and the reason of `signal`. */
  async drain(signal: AbortSignal): Promise<void> {
    await orAbort(this.#sent, signal);
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Never rejects. */
  async #send(): Promise<void> {
    this.#sending = true;
    try {
      while (this.#waiting[0]?.start === this.#next) {
        const [{ start, end }] = this.#waiting;
        const place = start % this.#ring.length;
        const piece = this.#ring.subarray(place, Math.min(place + end - start, this.#ring.length));
        await this.sink.write(piece);
        this.options.sent?.(piece);
        this.#next += piece.length;
        // More may have joined it meanwhile.
        const [first, ...others] = this.#waiting;
        this.#waiting = first.end === this.#next
          ? others
          : [{ start: this.#next, end: first.end }, ...others];
        this.options.moved();
      }
    } catch (error) {
      this.#failure = { error };
      this.options.failed(error);
    }
    // Here and not later, so that no write finds it on its way out.
    this.#sending = false;
  }
}
