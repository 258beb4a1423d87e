/** The certificate that a server shows, before anything is said to it. */
import { FerryError } from "../../core/errors.ts";
import { addressBytes } from "../../http/address.ts";
import { type Connection, writeAll } from "../dial/connection.ts";
import { endOf } from "../dial/end.ts";
import { FetchError } from "../fetch_error.ts";
import { clientHello } from "./client_hello.ts";
import { MAX_FLIGHT, readFlight } from "./server_flight.ts";

/** `protocol_version`: the other side does not speak TLS 1.2. */
const PROTOCOL_VERSION = 70;

/**
 * The DER of the certificate that `url`'s server, at the other end of `connection`, shows, not checked in any way. TLS 1.2
 * shows it unencrypted, so that the beginning of a handshake is enough; the runtime (Deno 2.4) does not tell what it was
 * shown in its own. Nothing can follow on this connection. Throws `tls_handshake`.
 */
export async function peerCertificate(connection: Connection, url: URL): Promise<Uint8Array<ArrayBuffer>> {
  const { hostname } = endOf(url);
  const name = addressBytes(hostname) === null ? hostname : null;
  const hello = clientHello(crypto.getRandomValues(new Uint8Array(32)), name);
  await writeAll(connection, hello);
  const buffer = new Uint8Array(MAX_FLIGHT);
  for (let length = 0; length < buffer.length;) {
    const count = await connection.read(buffer.subarray(length));
    if (count === null) throw failed(url, "it closed the connection");
    length += count;
    const flight = readFlight(buffer.subarray(0, length));
    if (flight.kind === "certificate") return flight.der;
    if (flight.kind === "not_tls") throw failed(url, "it does not speak TLS; did you mean http://?");
    if (flight.kind === "alert") {
      throw failed(
        url,
        flight.description === PROTOCOL_VERSION
          ? "it does not speak TLS 1.2, which shows its certificate in time"
          : `it refuses (alert ${flight.description})`,
      );
    }
  }
  throw failed(url, "its certificates are too long");
}

function failed(url: URL, why: string): FerryError {
  return new FetchError("tls_handshake", `TLS handshake with ${url.host} failed: ${why}`, {
    transient: false,
    sent: false,
  });
}
