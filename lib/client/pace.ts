/**
 * Holds transfers to a rate, one or several of them together: a token bucket, kept as the moment when the next byte is
 * due (the generic cell rate algorithm, ITU-T I.371). What was not used is lost but for a quarter of a second, so that
 * a pause is not followed by a burst.
 */
export class Pace {
  #due: number;

  /** `rate` in bytes a second; `now` in milliseconds. */
  constructor(readonly rate: number, readonly now: () => number = () => performance.now()) {
    this.#due = now();
  }

  /** A size for pieces, at most `largest`, small enough that the rate holds from one eighth of a second to the next. */
  pieceSize(largest: number): number {
    return Math.max(1, Math.min(largest, Math.ceil(this.rate / 8)));
  }

  /** Milliseconds to wait after `bytes` more have moved. */
  debt(bytes: number): number {
    const now = this.now();
    this.#due = Math.max(this.#due, now - CREDIT_MS) + bytes / this.rate * 1000;
    return Math.max(0, this.#due - now);
  }

  /** Counts `bytes` and waits until they were due; throws the reason of `signal`. */
  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    const ms = this.debt(bytes);
    if (ms >= 1) await sleep(ms, signal);
  }
}

const CREDIT_MS = 250;

/** Waits `ms`; throws the reason of `signal` as soon as it is aborted. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal!.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
