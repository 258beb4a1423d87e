/** TLS over a connection that is there. */
import { FetchError } from "../fetch_error.ts";
import { close } from "./connection.ts";
import { endOf } from "./end.ts";

export interface TlsOptions {
  /** Whose host the certificate must be for. */
  url: URL;
  /** PEM certificates of authorities to trust beside the system's. */
  caCerts: readonly string[];
}

/**
 * Does the handshake; `plain` is closed when it fails. Throws `tls_handshake` when the server breaks off, and what the
 * runtime throws.
 */
export async function startTls(plain: Deno.TcpConn, options: TlsOptions): Promise<Deno.TlsConn> {
  const { url, caCerts } = options;
  const { hostname } = endOf(url);
  const conn = await Deno.startTls(plain, { hostname, caCerts: [...caCerts], alpnProtocols: ["http/1.1"] });
  try {
    await conn.handshake();
    return conn;
  } catch (error) {
    close(conn);
    throw brokenOff(error) ? brokeOff(url) : error;
  }
}

function brokenOff(error: unknown): boolean {
  const { UnexpectedEof, ConnectionReset, BrokenPipe } = Deno.errors;
  return [UnexpectedEof, ConnectionReset, BrokenPipe].some((kind) => error instanceof kind);
}

function brokeOff(url: URL): FetchError {
  return new FetchError("tls_handshake", `TLS handshake with ${url.host} failed: it closed the connection`, {
    transient: true,
    sent: false,
  });
}
