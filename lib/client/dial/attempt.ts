/** One try to come to a connection: what it opens on the way is closed when it fails or is given up. */
import { close, type Connection } from "./connection.ts";

/** Tells the attempt of what has been opened; gives it back. Throws once the attempt has been given up. */
export type Own = <C extends Pick<Connection, "close">>(connection: C) => C;

export interface AttemptLimits {
  /** Gives the attempt up when it is aborted. */
  signal?: AbortSignal;
  /** Milliseconds; undefined for as long as it takes. */
  ms?: number;
  /** What it fails with after `ms`. */
  late: () => Error;
}

/** What a timer can hold: 24 days. */
const MAX_TIMER = 2 ** 31 - 1;

/**
 * Runs `work` with a signal that is aborted when the attempt is given up: after `ms`, or with `signal`, whose reason is
 * thrown then. All that `work` owns is closed when it throws; what it gives is the caller's.
 */
export async function attempt<T>(
  limits: AttemptLimits,
  work: (own: Own, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  limits.signal?.throwIfAborted();
  const controller = new AbortController();
  const owned = new Set<Pick<Connection, "close">>();
  const { promise: givenUp, reject } = Promise.withResolvers<never>();
  const giveUp = (reason: unknown) => {
    controller.abort(reason);
    reject(reason);
    for (const connection of owned) close(connection);
  };
  const stop = () => giveUp(limits.signal!.reason);
  limits.signal?.addEventListener("abort", stop, { once: true });
  const timer = limits.ms === undefined
    ? undefined
    : setTimeout(() => giveUp(limits.late()), Math.min(limits.ms, MAX_TIMER));
  const own: Own = (connection) => {
    owned.add(connection);
    if (!controller.signal.aborted) return connection;
    close(connection);
    throw controller.signal.reason;
  };
  try {
    return await Promise.race([work(own, controller.signal), givenUp]);
  } catch (error) {
    for (const connection of owned) close(connection);
    throw error;
  } finally {
    clearTimeout(timer);
    limits.signal?.removeEventListener("abort", stop);
  }
}
