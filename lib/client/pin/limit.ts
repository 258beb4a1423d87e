/** A time limit for what is done with connections of our own. */
import { FetchError } from "../fetch_error.ts";

/**
 * Runs `work`, which tells `own` of each connection that it makes; after `ms` they are closed and it throws `timeout`.
 * What `work` gives is its caller's to close.
 */
export async function withinTime<T>(
  url: URL,
  ms: number,
  work: (own: <C extends Deno.Conn>(connection: C) => C) => Promise<T>,
): Promise<T> {
  const owned = new Set<Deno.Conn>();
  let late = false;
  const timeout = () =>
    new FetchError("timeout", `no TLS connection to ${url.host} within ${ms} ms`, {
      transient: true,
      sent: false,
    });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      late = true;
      for (const connection of owned) close(connection);
      reject(timeout());
    }, ms);
  });
  const own = <C extends Deno.Conn>(connection: C): C => {
    owned.add(connection);
    if (!late) return connection;
    close(connection);
    throw timeout();
  };
  try {
    return await Promise.race([work(own), limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** Closes `connection` if that is still to be done. */
export function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // Closed already, or handed over to TLS.
  }
}
