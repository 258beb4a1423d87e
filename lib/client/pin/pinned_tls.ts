/** TLS with servers that have pinned certificates. */
import * as crypto from "node:crypto";
import type { FerryError } from "../../core/errors.ts";
import type { Own } from "../dial/attempt.ts";
import { close, type Connection } from "../dial/connection.ts";
import { connectError } from "../dial/connect_error.ts";
import { endOf } from "../dial/end.ts";
import { startTls } from "../dial/tls.ts";
import { FetchError } from "../fetch_error.ts";
import type { KeyPair } from "../key_pair.ts";
import { peerCertificate } from "./peer_certificate.ts";

/** A name that every certificate has that Ferry makes for itself. */
const COMMON_NAME = "localhost";

/** What a server has been seen to be able to prove: to be `name`, by `caCerts`. */
export interface Proof {
  name: string;
  caCerts: string[];
}

export interface PinnedOptions {
  /** SHA-256 of certificates, lower-case hex. */
  pins: readonly string[];
  /** By origin; what is learned is added. */
  proofs: Map<string, Proof>;
  identity?: KeyPair;
  /** Makes a connection to the server. */
  connect: () => Promise<Connection>;
  own: Own;
}

/**
 * A connection on which `url`'s server has proved to have the key of a certificate that is one of `pins`. Throws
 * `untrusted_certificate` for another one, before anything is said to it.
 */
export async function startPinnedTls(url: URL, options: PinnedOptions): Promise<Deno.TlsConn> {
  refusePlain(url);
  const { proofs } = options;
  const known = proofs.get(url.origin);
  if (known !== undefined) return await prove(url, known, options);
  const caCerts = [toPem(await look(url, options))];
  let refusal: unknown;
  for (const name of [endOf(url).hostname, COMMON_NAME]) {
    try {
      const conn = await prove(url, { name, caCerts }, options);
      proofs.set(url.origin, { name, caCerts });
      return conn;
    } catch (error) {
      refusal ??= error;
    }
  }
  throw refusal;
}

/** Throws `untrusted_certificate` when there is no certificate to see. */
export function refusePlain(url: URL): void {
  if (url.protocol !== "https:") throw untrusted(url, "it is reached without TLS, so that no --pin can hold");
}

/** The certificate that the server shows, which is pinned. */
async function look(url: URL, { pins, connect }: PinnedOptions): Promise<Uint8Array> {
  const connection = await connect();
  const der = await peerCertificate(connection, url);
  close(connection);
  const found = crypto.createHash("sha256").update(der).digest("hex");
  if (pins.includes(found)) return der;
  throw untrusted(url, `its certificate is sha256:${found}, not the pinned one`);
}

async function prove(
  url: URL,
  proof: Proof,
  { connect, own, identity }: PinnedOptions,
): Promise<Deno.TlsConn> {
  const plain = await connect();
  try {
    return await startTls(plain, own, { ...proof, identity, where: url.host });
  } catch (error) {
    throw unusable(url, error, proof.caCerts[0]);
  }
}

function unusable(url: URL, error: unknown, pem: string): FerryError {
  const text = error instanceof Error ? error.message : String(error);
  if (/CaUsedAsEndEntity/.test(text)) {
    return untrusted(
      url,
      "the pinned certificate is an authority's (CA:TRUE), which cannot be a server's own",
    );
  }
  if (/UnknownIssuer/.test(text)) {
    const { issuer, subject } = new crypto.X509Certificate(pem);
    return untrusted(
      url,
      issuer === subject
        ? "it showed the pinned certificate and then another one"
        : "the pinned certificate is not signed by itself; trust its authority with --cacert",
    );
  }
  return connectError(error, url);
}

function untrusted(url: URL, why: string): FerryError {
  const facts = { transient: false, sent: false };
  return new FetchError("untrusted_certificate", `${url.host} is not trusted: ${why}`, facts);
}

function toPem(der: Uint8Array): string {
  const lines = btoa(String.fromCharCode(...der)).match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
