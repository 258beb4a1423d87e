import type { WireBody } from "./answer.ts";
import { ChunkedDecoder } from "./chunked.ts";
import { type Fields, HeadError } from "./fields.ts";
import type { Framing } from "./framing.ts";
import type { Input } from "./input.ts";

/** A rest of at most so many bytes is read for the sake of the connection. */
const WORTH_READING = 64 * 1024;

/** The connection ended before the body did. */
export class EarlyEnd extends Error {}

/** What bodies need of their connection. */
export interface BodyHost {
  input: Input;
  /** How `error` is told to the reader. */
  failure(error: unknown): unknown;
  /** The body has ended. `clean` says that the connection stands behind its last byte. */
  ended(clean: boolean): void;
}

/** One body, read from its connection. */
export class AnswerBody implements WireBody {
  /** Bytes that have been given. */
  given = 0;
  #left: number | undefined;
  readonly #chunks: ChunkedDecoder | undefined;
  /** Resolves when nothing of it will be read any more; whether the connection stands behind its last byte. */
  readonly ended: Promise<boolean>;
  readonly #resolve: (clean: boolean) => void;
  #state: { kind: "open" } | { kind: "ended" } | { kind: "failed"; error: unknown } = { kind: "open" };

  constructor(readonly host: BodyHost, framing: Framing) {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.ended = promise;
    this.#resolve = resolve;
    if (framing.kind === "length") this.#left = framing.bytes;
    if (framing.kind === "chunked") this.#chunks = new ChunkedDecoder();
  }

  get left(): number | undefined {
    return this.#left;
  }

  get trailers(): Fields | undefined {
    return this.#chunks?.trailers;
  }

  async read(buffer: Uint8Array<ArrayBuffer>): Promise<number | null> {
    if (this.#state.kind === "failed") throw this.#state.error;
    if (this.#state.kind === "ended") return null;
    try {
      const count = this.#chunks === undefined
        ? await this.#readPlain(buffer)
        : await this.#readChunked(buffer, this.#chunks);
      this.given += count ?? 0;
      return count;
    } catch (error) {
      const told = this.host.failure(error);
      this.#end({ kind: "failed", error: told });
      throw told;
    }
  }

  whole(): Uint8Array<ArrayBuffer> | null {
    const { input } = this.host;
    if (this.#left === undefined || this.given > 0 || input.length < this.#left) return null;
    if (this.#state.kind !== "open") return null;
    const bytes = input.here.subarray(0, this.#left);
    this.given = this.#left;
    input.take(this.#left);
    this.#left = 0;
    this.#end({ kind: "ended" });
    return bytes;
  }

  cancel(): Promise<void> {
    this.#letGo();
    return Promise.resolve();
  }

  /** The connection has gone; a reader is told why with its next read. */
  abandon(): void {
    this.#resolve(false);
  }

  #letGo(): void {
    if (this.#state.kind !== "open") return;
    const isLong = this.#chunks === undefined && (this.#left ?? Infinity) > WORTH_READING;
    if (isLong || this.host.input.reading) {
      this.#end({ kind: "failed", error: new TypeError("the body was cancelled") });
      return;
    }
    // Nobody waits for the rest of it.
    if (this.whole() === null) this.#discard();
  }

  async #discard(): Promise<void> {
    const scratch = new Uint8Array(WORTH_READING);
    try {
      const most = this.given + WORTH_READING;
      while (this.given <= most) if (await this.read(scratch) === null) return;
    } catch {
      return;
    }
    this.#end({ kind: "failed", error: new TypeError("the body was cancelled") });
  }

  async #readPlain(buffer: Uint8Array<ArrayBuffer>): Promise<number | null> {
    const { input } = this.host;
    if (this.#left === 0) return this.#end({ kind: "ended" });
    const view = this.#left === undefined || this.#left >= buffer.length
      ? buffer
      : buffer.subarray(0, this.#left);
    let count: number | null;
    if (input.length > 0) {
      const here = input.here.subarray(0, view.length);
      view.set(here);
      count = here.length;
      input.take(count);
    } else {
      count = await input.readInto(view);
    }
    if (this.#left === undefined) return count ?? this.#end({ kind: "ended" });
    if (count === null) throw new EarlyEnd();
    this.#left -= count;
    if (this.#left === 0) this.#end({ kind: "ended" });
    return count;
  }

  async #readChunked(buffer: Uint8Array<ArrayBuffer>, chunks: ChunkedDecoder): Promise<number | null> {
    const { input } = this.host;
    for (let given = 0;;) {
      const step = chunks.decode(input.here, buffer.subarray(given));
      input.take(step.taken);
      given += step.given;
      if (chunks.ended) {
        this.#end({ kind: "ended" });
        return given === 0 ? null : given;
      }
      if (given > 0) return given;
      if (input.isFull) throw new HeadError("a trailer that is too long");
      const { run } = chunks;
      if (run >= buffer.length / 4 && input.length === 0) {
        // The middle of a large chunk needs no decoding.
        const count = await input.readInto(run < buffer.length ? buffer.subarray(0, run) : buffer);
        if (count === null) throw new EarlyEnd();
        chunks.skip(count);
        return count;
      }
      if (!await input.fill()) throw new EarlyEnd();
    }
  }

  #end(state: { kind: "ended" } | { kind: "failed"; error: unknown }): null {
    if (this.#state.kind !== "open") return null;
    this.#state = state;
    this.host.ended(state.kind === "ended");
    this.#resolve(state.kind === "ended");
    return null;
  }
}
