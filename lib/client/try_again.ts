/** The retries of one URL: as many as its user allows, for as long as nothing moves. */
import type { Deadline } from "./deadline.ts";
import { sleep } from "./pace.ts";
import { retryWait } from "./retry.ts";
import { StatusError } from "./status_error.ts";

/** A try that brought so much does not count as one of the retries: what makes progress may go on. */
export const PROGRESS = 1 << 20;

export interface TryOptions {
  retries: number;
  signal: AbortSignal;
  deadline: Deadline;
  /** How far it is, in bytes. */
  progress: () => number;
  mayTryAgain: (error: unknown) => boolean;
  /** Told why a try failed, when another one follows. */
  onRetry: (why: string) => void;
}

/** Does `attempt`, again while that may help; it is told whether it is the last one. Throws what the last one threw. */
export async function tryAgain(
  attempt: (last: boolean) => Promise<void>,
  { retries, signal, deadline, progress, mayTryAgain, onRetry }: TryOptions,
): Promise<void> {
  for (let failures = 1;; failures++) {
    const before = progress();
    try {
      return await attempt(failures > retries);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (progress() - before >= PROGRESS) failures = 1;
      if (failures > retries || !mayTryAgain(error)) throw error;
      const retryAfter = error instanceof StatusError ? error.retryAfter : undefined;
      const wait = retryWait(failures, { retryAfter });
      // No use in sleeping into the time limit: what went wrong says more than that it ran out.
      if (!deadline.allows(retryAfter ?? wait)) {
        if (retryAfter !== undefined) {
          (error as Error).message += `; the server asks to come back in ${
            seconds(retryAfter)
          }, after the time limit`;
        }
        throw error;
      }
      const { message } = error as Error;
      onRetry(`${message}; trying again in ${seconds(wait)} (${failures} of ${retries})`);
      await sleep(wait, signal);
    }
  }
}

function seconds(ms: number): string {
  return `${ms < 10_000 ? (ms / 1000).toFixed(1) : Math.round(ms / 1000)} s`;
}
