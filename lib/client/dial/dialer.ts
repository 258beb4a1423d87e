/** Connections for `ferry request`: to the host of a URL, or to a socket, with TLS where the URL has it. */
import { quote } from "../../core/errors.ts";
import { formatDurationFlag } from "../../cli/units.ts";
import { FetchError, toFerryError } from "../fetch_error.ts";
import { attempt, type Own } from "./attempt.ts";
import type { Connection } from "./connection.ts";
import { endOf } from "./end.ts";
import { connectName } from "./tcp.ts";
import { startTls } from "./tls.ts";

export interface DialOptions {
  /** A unix socket that every connection goes to, whatever host its URL names; nothing is encrypted on it. */
  unix?: string;
  /** PEM certificates of authorities to trust beside the system's. */
  caCerts?: readonly string[];
  /** Milliseconds for a connection to come about, TLS included. */
  connectTimeout?: number;
}

/** A connection over which requests to the origin that it was made for can be sent. */
export interface Dialed {
  conn: Connection;
  /** What stands in a request line (RFC 9112 section 3.2): the path alone, or for a proxy the whole URL. */
  form: "origin" | "absolute";
  /** Headers for the proxy, in the absolute form. */
  proxyHeaders?: [name: string, value: string][];
  /** What was connected to, for `-v`; nothing secret. */
  about: string;
}

export class Dialer implements Disposable {
  readonly #options: DialOptions;

  constructor(options: DialOptions = {}) {
    this.#options = options;
  }

  /**
   * A new connection for requests to the origin of `url`. Throws the reason of `signal`, and FetchErrors of which none
   * was `sent`: `host_not_found`, `no_connection`, `tls_handshake`, `untrusted_certificate`, `timeout`.
   */
  async dial(url: URL, signal: AbortSignal): Promise<Dialed> {
    const { unix, connectTimeout: ms } = this.#options;
    const late = () =>
      new FetchError(
        "timeout",
        `no connection to ${url.host} within ${formatDurationFlag(ms ?? 0)} (--connect-timeout)`,
        { transient: true, sent: false },
      );
    try {
      return await attempt({ signal, ms, late }, (own, inner) => this.#connect(url, own, inner));
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw connectError(error, url, unix);
    }
  }

  [Symbol.dispose](): void {}

  async #connect(url: URL, own: Own, signal: AbortSignal): Promise<Dialed> {
    const { unix } = this.#options;
    if (unix !== undefined) {
      const conn = own(await Deno.connect({ transport: "unix", path: unix }));
      return { conn, form: "origin", about: `connected to the socket ${quote(unix)}` };
    }
    const { hostname, port } = endOf(url);
    const plain = own(await connectName(hostname, port, signal));
    plain.setNoDelay();
    const { hostname: address } = plain.remoteAddr;
    const about = `connected to ${url.hostname} (${address}) port ${port}`;
    if (url.protocol === "http:") return { conn: plain, form: "origin", about };
    const conn = own(await startTls(plain, { url, caCerts: this.#options.caCerts ?? [] }));
    return { conn, form: "origin", about: `${about} with TLS` };
  }
}

/** What the system says of a connection that did not come about, as `fetch` would have said it. */
function connectError(error: unknown, url: URL, unix: string | undefined): Error {
  if (!(error instanceof Error)) return toFerryError(error, url, { unix });
  const told = new Error(`client error (Connect): ${error.message}`, { cause: error });
  return toFerryError(told, url, { unix });
}
