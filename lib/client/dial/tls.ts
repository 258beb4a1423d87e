/** TLS over a connection that is there. */
import type { KeyPair } from "../key_pair.ts";
import { FetchError } from "../fetch_error.ts";
import type { Own } from "./attempt.ts";
import { close, type Connection } from "./connection.ts";
import { throughLoopback } from "./loopback.ts";

/** What is asked of a server, and shown to it. */
export interface TlsOptions {
  /** The host that the certificate must be for. */
  name: string;
  /** PEM certificates of authorities to trust beside the system's. */
  caCerts: readonly string[];
  /** The certificate of this side, for servers that want one. */
  identity?: KeyPair;
  /** Whom messages are about: `host:port`. */
  where: string;
}

/** Has `Deno.connectTls` ask for another name than the one it connects to; both of its versions know it, by this symbol. */
const SERVER_NAME = Symbol.for("unstableServerName");

const ALPN = ["http/1.1"];

/** Does the handshake over `plain`. Throws `tls_handshake` when the server breaks off, and what the runtime throws. */
export async function startTls(plain: Connection, own: Own, options: TlsOptions): Promise<Deno.TlsConn> {
  const { name, identity } = options;
  const caCerts = [...options.caCerts];
  let conn: Deno.TlsConn;
  if (identity !== undefined) {
    conn = await throughLoopback(plain, own, async (port) => {
      const { cert, key } = identity;
      const wish = {
        hostname: "127.0.0.1",
        port,
        caCerts,
        cert,
        key,
        alpnProtocols: ALPN,
        [SERVER_NAME]: name,
      };
      return joined(await Deno.connectTls(wish));
    });
  } else {
    const tcp = isTcp(plain)
      ? plain
      : await throughLoopback(plain, own, async (port) =>
        joined(await Deno.connect({ hostname: "127.0.0.1", port })));
    conn = own(await Deno.startTls(tcp, { hostname: name, caCerts, alpnProtocols: ALPN }));
  }
  try {
    await conn.handshake();
    return conn;
  } catch (error) {
    close(conn);
    throw isBroken(error) ? failedHandshake(options.where, "it closed the connection") : error;
  }
}

/** The error for a handshake that did not come about, after which another try may do better. */
export function failedHandshake(where: string, why: string): FetchError {
  return new FetchError("tls_handshake", `TLS handshake with ${where} failed: ${why}`, {
    transient: true,
    sent: false,
  });
}

/** One that the runtime does TLS over as it is. */
function isTcp(connection: Connection): connection is Deno.TcpConn {
  return "setNoDelay" in connection;
}

function joined<C extends Deno.Conn<Deno.NetAddr>>(conn: C): { conn: C; localPort: number } {
  return { conn, localPort: conn.localAddr.port };
}

function isBroken(error: unknown): boolean {
  const { UnexpectedEof, ConnectionReset, BrokenPipe } = Deno.errors;
  return [UnexpectedEof, ConnectionReset, BrokenPipe].some((kind) => error instanceof kind);
}
