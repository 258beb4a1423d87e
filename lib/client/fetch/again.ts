/** Calls that are repeated when their connection breaks or the server is busy. */
import { mayRetry, retryWait } from "../retry.ts";
import { StatusError } from "../status_error.ts";

/** How often something is tried again before it is given up: about two seconds of waiting. */
export const TRIES = 3;

/** Whether what ended in `error` may come about a moment later; only for what does no harm when done twice. */
export function mayPass(error: unknown): boolean {
  return mayRetry(error, { method: "PUT", rereadable: true });
}

/** Waits before try `attempt` (1 for the first repetition) after `error`, but not beyond `signal`. */
export async function waitAfter(error: unknown, attempt: number, signal?: AbortSignal): Promise<void> {
  const retryAfter = error instanceof StatusError ? error.retryAfter : undefined;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, retryWait(attempt, { retryAfter }));
  const stop = () => resolve();
  signal?.addEventListener("abort", stop, { once: true });
  if (signal?.aborted) stop();
  await promise;
  signal?.removeEventListener("abort", stop);
  clearTimeout(timer);
}

/** Does `work`, which does no harm when done twice, and again where that may help. Throws what the last try threw. */
export async function again<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let attempt = 1;; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt > TRIES || signal?.aborted || !mayPass(error)) throw error;
      await waitAfter(error, attempt, signal);
    }
  }
}
