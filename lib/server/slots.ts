/** A bound on how much of one kind of work is done, or of memory is taken, at a time. */
import { FerryError } from "../core/errors.ts";

export class Slots {
  readonly #waitMs: number;
  #free: number;
  /** Those who wait, in their order. */
  readonly #waiting = new Set<{ count: number; come: () => void }>();

  /** `count` at a time; whoever waits longer than `waitMs` is refused. */
  constructor(count: number, waitMs: number) {
    this.#free = count;
    this.#waitMs = waitMs;
  }

  /**
   * Takes a slot, or `count` of them; the answer, called once or more, gives them back. Throws `too_many` when not
   * enough came free in time.
   */
  async take(count = 1): Promise<() => void> {
    if (this.#waiting.size === 0 && this.#free >= count) this.#free -= count;
    else await this.#wait(count);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#free += count;
      this.#serve();
    };
  }

  /** Lets those in who come next and for whom there is enough. */
  #serve(): void {
    for (const next of this.#waiting) {
      if (next.count > this.#free) return;
      this.#free -= next.count;
      next.come();
    }
  }

  #wait(count: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(waiting);
        reject(new FerryError("too_many", "too much of this is under way; try again later"));
        // Those behind it may need less.
        this.#serve();
      }, this.#waitMs);
      const come = () => {
        clearTimeout(timer);
        this.#waiting.delete(waiting);
        resolve();
      };
      const waiting = { count, come };
      this.#waiting.add(waiting);
    });
  }
}
