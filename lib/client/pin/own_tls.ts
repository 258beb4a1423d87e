/** TLS with a server whose pinned certificate the runtime would refuse: an authority's, or one that an authority signed. */
import { createHash } from "node:crypto";
import type { FerryError } from "../../core/errors.ts";
import { addressBytes } from "../../http/address.ts";
import { close, type Connection } from "../dial/connection.ts";
import { endOf } from "../dial/end.ts";
import { failedHandshake } from "../dial/tls.ts";
import { FetchError } from "../fetch_error.ts";
import { handshake, WrongServer } from "./tls12/handshake.ts";
import { BrokenTls } from "./tls12/records.ts";
import { SecuredConnection } from "./tls12/secured_connection.ts";

/** Does the handshake over `plain` with `url`'s server, which has to have one of `pins` and its key. */
export async function startOwnTls(plain: Connection, url: URL, pins: readonly string[]): Promise<Connection> {
  const { hostname } = endOf(url);
  try {
    const secured = await handshake(plain, {
      name: addressBytes(hostname) === null ? hostname : null,
      isWanted: (der) => pins.includes(createHash("sha256").update(der).digest("hex")),
    });
    return new SecuredConnection(plain, secured);
  } catch (error) {
    close(plain);
    if (error instanceof WrongServer) throw untrusted(url, error.message);
    throw error instanceof BrokenTls ? failedHandshake(url.host, error.message) : error;
  }
}

function untrusted(url: URL, why: string): FerryError {
  const facts = { transient: false, sent: false };
  return new FetchError("untrusted_certificate", `${url.host} is not trusted: ${why}`, facts);
}
