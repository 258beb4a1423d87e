/** A bound on how much of one kind of work is done at a time. */
import { FerryError } from "../core/errors.ts";

export class Slots {
  readonly #waitMs: number;
  #free: number;
  readonly #waiting = new Set<() => void>();

  /** `count` at a time; whoever waits longer than `waitMs` is refused. */
  constructor(count: number, waitMs: number) {
    this.#free = count;
    this.#waitMs = waitMs;
  }

  /** Takes a slot; the answer, called once or more, gives it back. Throws `too_many` when none came free in time. */
  async take(): Promise<() => void> {
    if (this.#free > 0) this.#free--;
    else await this.#wait();
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const [next] = this.#waiting;
      if (next) next();
      else this.#free++;
    };
  }

  #wait(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(come);
        reject(new FerryError("too_many", "too much of this is under way; try again later"));
      }, this.#waitMs);
      const come = () => {
        clearTimeout(timer);
        this.#waiting.delete(come);
        resolve();
      };
      this.#waiting.add(come);
    });
  }
}
