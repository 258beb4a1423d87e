/** Connections to servers that have pinned certificates. */
import type { Dialed } from "../dial/dialer.ts";
import { connectError, pinnedServer } from "./pin.ts";

/** Dials servers with one of `pins` alone. */
export class PinnedDialer {
  /** By origin: the way to a server that has been looked at. */
  readonly #ways = new Map<string, Promise<() => Promise<Deno.TlsConn>>>();

  constructor(readonly pins: readonly string[], readonly ms?: number) {}

  /** As `Dialer.dial`; throws `untrusted_certificate` too for a server with none of the pinned certificates. */
  async dial(url: URL, signal: AbortSignal): Promise<Dialed> {
    const conn = await unlessAborted(this.#connect(url), signal);
    return { conn, form: "origin", about: `connected to ${url.host} with TLS, its certificate pinned` };
  }

  async #connect(url: URL): Promise<Deno.TlsConn> {
    let way = this.#ways.get(url.origin);
    if (way === undefined) {
      way = pinnedServer(url, this.pins, this.ms);
      this.#ways.set(url.origin, way);
      // One that did not show it may be asked again.
      way.catch(() => this.#ways.delete(url.origin));
    }
    const connect = await way;
    return await connect().catch((error) => {
      throw connectError(error, url);
    });
  }
}

/** What `promise` gives, or the reason of `signal` as soon as it is aborted; a connection that comes later is closed. */
async function unlessAborted(promise: Promise<Deno.TlsConn>, signal: AbortSignal): Promise<Deno.TlsConn> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const stop = () => {
    reject(signal.reason);
    promise.then((connection) => connection.close(), () => {});
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
