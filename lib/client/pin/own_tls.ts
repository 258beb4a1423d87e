/** TLS with a server whose known certificate the runtime would refuse: an authority's, or one that an authority signed. */
import { createHash, X509Certificate } from "node:crypto";
import { type FerryError, quote } from "../../core/errors.ts";
import { addressBytes } from "../../http/address.ts";
import { close, type Connection } from "../dial/connection.ts";
import { endOf } from "../dial/end.ts";
import { failedHandshake } from "../dial/tls.ts";
import { FetchError } from "../fetch_error.ts";
import { toPem } from "./pem.ts";
import { certificateNames, isNamed } from "./tls12/certificate_names.ts";
import { usageObjection } from "./tls12/certificate_usage.ts";
import { handshake, type HandshakeOptions, WrongServer } from "./tls12/handshake.ts";
import { BrokenTls } from "./tls12/records.ts";
import { SecuredConnection } from "./tls12/secured_connection.ts";

/** Does the handshake over `plain` with `url`'s server, which has to have one of `pins` and its key. */
export function startOwnTls(plain: Connection, url: URL, pins: readonly string[]): Promise<Connection> {
  return start(plain, url, (der) => {
    const isPinned = pins.includes(createHash("sha256").update(der).digest("hex"));
    if (!isPinned) return "it showed the pinned certificate and then another one";
    // Of several that are pinned, it need not be the one that it showed first.
    return timeObjection(new X509Certificate(toPem(der)), "the pinned certificate");
  });
}

/** The same with a server whose certificate is itself one of those in `caCerts`, PEM, holds now, and is for its host. */
export function startTrustedTls(
  plain: Connection,
  url: URL,
  caCerts: readonly string[],
): Promise<Connection> {
  const trusted = caCerts.flatMap((text) =>
    text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  );
  return start(plain, url, (der) => {
    const text = toPem(der).replace(/-----[^-]+-----|\s/g, "");
    const pem = trusted.find((one) => one.replace(/-----[^-]+-----|\s/g, "") === text);
    if (pem === undefined) return "its certificate is an authority's, and another one than those of --cacert";
    const certificate = new X509Certificate(pem);
    const objection = timeObjection(certificate, "its certificate") ?? usageObjection(der);
    if (objection !== null) return objection;
    const { hostname } = endOf(url);
    // Without a list of names, the one that is common: as OpenSSL has it.
    const common = /^CN=(.*)$/m.exec(certificate.subject)?.[1].toLowerCase();
    const names = certificateNames(der) ?? { hosts: common === undefined ? [] : [common], addresses: [] };
    return isNamed(hostname, names)
      ? null
      : `its certificate is for ${names.hosts.join(", ") || "another host"}`;
  });
}

/** What speaks against `certificate` by the time it holds, as the runtime has it. */
function timeObjection({ validFrom, validTo }: X509Certificate, which: string): string | null {
  const now = Date.now();
  // What is no date is not after it either.
  if (!(Date.parse(validFrom) <= now)) return `${which} is not valid yet`;
  return Date.parse(validTo) >= now ? null : `${which} has expired`;
}

async function start(
  plain: Connection,
  url: URL,
  objection: HandshakeOptions["objection"],
): Promise<Connection> {
  const { hostname } = endOf(url);
  try {
    const secured = await handshake(plain, {
      name: addressBytes(hostname) === null ? hostname : null,
      objection,
    });
    return new SecuredConnection(plain, secured);
  } catch (error) {
    close(plain);
    if (error instanceof WrongServer) throw untrusted(url, quote(error.message));
    throw error instanceof BrokenTls ? failedHandshake(url.host, error.message) : error;
  }
}

function untrusted(url: URL, why: string): FerryError {
  const facts = { transient: false, sent: false };
  return new FetchError("untrusted_certificate", `${url.host} is not trusted: ${why}`, facts);
}
