/** Holds a transfer to a rate: it may never be further than the clock allows. */
export class Pace {
  #moved = 0;
  readonly #start: number;

  /** `rate` in bytes a second; `now` in milliseconds. */
  constructor(readonly rate: number, readonly now: () => number = () => performance.now()) {
    this.#start = now();
  }

  /** A size for pieces, at most `largest`, small enough that the rate holds from one eighth of a second to the next. */
  pieceSize(largest: number): number {
    return Math.max(1, Math.min(largest, Math.ceil(this.rate / 8)));
  }

  /** Milliseconds to wait after `bytes` more have moved. */
  debt(bytes: number): number {
    this.#moved += bytes;
    return Math.max(0, this.#moved / this.rate * 1000 - (this.now() - this.#start));
  }

  /** Counts `bytes` and waits until they were due; throws the reason of `signal`. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    const ms = this.debt(bytes);
    if (ms >= 1) await sleep(ms, signal);
  }
}

/** Waits `ms`; throws the reason of `signal` as soon as it is aborted. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}
