/** Standard output for bodies that come at the same time: one after the other, in the order of their URLs. */
import type { Out } from "../sink.ts";

/** What waits for its turn is held in memory up to so many bytes; then its server has to wait. */
const HELD_BYTES = 256 * 1024;

export class OrderedOut {
  readonly #out: Out;
  #last: Promise<void> = Promise.resolve();
  /** Places that have not passed on. */
  #open = 0;
  #failure: { error: unknown } | undefined;

  constructor(out: Out) {
    this.#out = out;
  }

  /** The place behind all that were given out before. It has to be ended. */
  place(): OutPlace {
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    this.#open++;
    return new OutPlace(this.#out, before, () => {
      this.#open--;
      resolve();
    });
  }

  /** A few bytes behind all that has a place so far. Nobody waits for them but `settled`. */
  say(bytes: Uint8Array): void {
    if (this.#open === 0) return this.#out.write(bytes);
    const place = this.place();
    place.write(bytes);
    place.end().catch((error) => this.#failure ??= { error });
  }

  /** Waits for all that was said. Throws what the first write of that failed with. */
  async settled(): Promise<void> {
    await this.#last;
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

/** One place in the order. */
export class OutPlace implements Out {
  #isTurn = false;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  readonly #turn: Promise<void>;

  constructor(readonly out: Out, before: Promise<void>, readonly passOn: () => void) {
    this.#turn = before.then(() => void (this.#isTurn = true));
  }

  /** A few bytes, such as a head. */
  write(bytes: Uint8Array): void {
    if (!this.#isTurn || this.#held.length > 0) this.#hold(bytes);
    else this.out.write(bytes);
  }

  async writeAsync(bytes: Uint8Array): Promise<void> {
    if (!this.#isTurn) {
      // A small body is taken whatever comes before it: it may stand in the way of that on a connection.
      if (this.#heldBytes + bytes.length <= HELD_BYTES) return this.#hold(bytes);
      await this.#turn;
    }
    await this.#flush();
    await this.#send(bytes);
  }

  /** Gives out what is held, or forgets it. */
  async settle(options: { drop: boolean }): Promise<void> {
    if (options.drop) this.#held = [];
    if (this.#held.length === 0) return;
    await this.#turn;
    await this.#flush();
  }

  /** Gives out what is held; nothing more comes. */
  async end(): Promise<void> {
    try {
      await this.settle({ drop: false });
    } finally {
      this.#held = [];
      this.#turn.then(this.passOn);
    }
  }

  #hold(bytes: Uint8Array): void {
    this.#held.push(bytes.slice());
    this.#heldBytes += bytes.length;
  }

  async #flush(): Promise<void> {
    const held = this.#held;
    this.#held = [];
    for (const bytes of held) await this.#send(bytes);
  }

  async #send(bytes: Uint8Array): Promise<void> {
    if (this.out.writeAsync) await this.out.writeAsync(bytes);
    else this.out.write(bytes);
  }
}
