/** Work on many things, several at a time. */
import type { Stream } from "./stream.ts";

export interface ParallelOptions {
  /** So many at a time. */
  width: number;
  /** Ends it; the works under way have to hear of that by themselves. */
  signal: AbortSignal;
}

/**
 * Does `work` for each of `items`, and takes the next one only when there is room for it. When one of them throws, no
 * other is begun, those under way are waited for, and what it threw is thrown.
 */
export function inParallel<T>(
  items: Iterable<T> | AsyncIterable<T> | Stream<T>,
  { width, signal }: ParallelOptions,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let running = 0;
  let asking = false;
  let state: { kind: "open" } | { kind: "over" } | { kind: "failed"; error: unknown } = { kind: "open" };

  const settle = () => {
    if (running > 0 || state.kind === "open") return;
    signal.removeEventListener("abort", stop);
    if (state.kind === "over") return resolve();
    // Not waited for: it may be waiting itself, for what will never come.
    Promise.resolve(iterator.return?.()).catch(() => {});
    reject(state.error);
  };
  const fail = (error: unknown) => {
    if (state.kind !== "failed") state = { kind: "failed", error };
    settle();
  };
  const stop = () => fail(signal.reason);
  const ended = () => {
    running--;
    if (state.kind === "open") pull();
    else settle();
  };
  const failed = (error: unknown) => {
    running--;
    fail(error);
  };
  const pull = async () => {
    if (asking) return;
    asking = true;
    try {
      while (running < width && state.kind === "open") {
        const asked = iterator.next();
        const step = asked instanceof Promise ? await asked : asked;
        // What was on its way when it all ended is not begun.
        if (state.kind !== "open") return;
        if (step.done) {
          state = { kind: "over" };
          return settle();
        }
        running++;
        work(step.value).then(ended, failed);
      }
    } catch (error) {
      fail(error);
    } finally {
      asking = false;
    }
  };

  if (signal.aborted) stop();
  else {
    signal.addEventListener("abort", stop, { once: true });
    pull();
  }
  return promise;
}
