/** One at a time at each upload, and the one who comes last: a client comes back before its old connection is missed. */

/** The time of one request at an upload. */
export class Hold {
  /** Whether somebody else wants it. */
  interrupted = false;
  /** Called, once, when somebody else does. */
  onInterrupt: (() => void) | null = null;
  readonly ended: Promise<void>;
  readonly #end: () => void;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#end = resolve;
  }

  interrupt(): void {
    if (this.interrupted) return;
    this.interrupted = true;
    this.onInterrupt?.();
  }

  release(): void {
    this.#end();
  }
}

/** Who is at which upload. */
export class Turns {
  readonly #holds = new Map<string, Hold>();

  /** Whether anybody is at it. */
  has(id: string): boolean {
    return this.#holds.has(id);
  }

  /** Interrupts whoever is at the upload `id`, waits for their end, and lets the caller in until it is disposed of. */
  async take(id: string): Promise<Hold & Disposable> {
    for (let now = this.#holds.get(id); now !== undefined; now = this.#holds.get(id)) {
      now.interrupt();
      await now.ended;
    }
    const hold = new Hold();
    this.#holds.set(id, hold);
    return Object.assign(hold, {
      [Symbol.dispose]: () => {
        this.#holds.delete(id);
        hold.release();
      },
    });
  }
}
