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
import { toPem } from "./pem.ts";

/** A name that every certificate has that Ferry makes for itself. */
const COMMON_NAME = "localhost";

/**
 * What a server has been seen to be able to prove: to be `name`, by `caCerts`, as the runtime wants it; or to have the
 * key of a certificate that the runtime takes from no server.
 */
export type Proof = { kind: "runtime"; name: string; caCerts: string[] } | { kind: "own" };

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
export async function startPinnedTls(url: URL, options: PinnedOptions): Promise<Connection> {
  refusePlain(url);
  const { proofs } = options;
  const known = proofs.get(url.origin);
  if (known !== undefined) return await prove(url, known, options);
  const caCerts = [toPem(await look(url, options))];
  const ways: Proof[] = [endOf(url).hostname, COMMON_NAME].map((name) => ({
    kind: "runtime",
    name,
    caCerts,
  }));
  let refusal: unknown;
  for (const proof of [...ways, { kind: "own" } as const]) {
    if (proof.kind === "own" && !isNoServers(refusal, caCerts[0])) break;
    try {
      const conn = await prove(url, proof, options);
      proofs.set(url.origin, proof);
      return conn;
    } catch (error) {
      // What the last way says is meant for people.
      if (proof.kind === "own") throw error;
      refusal ??= error;
    }
  }
  throw connectError(refusal, url);
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

async function prove(url: URL, proof: Proof, options: PinnedOptions): Promise<Connection> {
  const { connect, own, identity, pins } = options;
  if (proof.kind === "runtime") {
    const { name, caCerts } = proof;
    return await startTls(await connect(), own, { name, caCerts, identity, where: url.host });
  }
  if (identity !== undefined) {
    throw untrusted(
      url,
      "--cert goes with a pinned certificate only where that is signed by itself and no authority's; " +
        "else trust its authority with --cacert",
    );
  }
  const { startOwnTls } = await import("./own_tls.ts");
  return await startOwnTls(await connect(), url, pins);
}

/** Whether the runtime takes a certificate like the pinned one, `pem`, from no server, which is no fault of this one. */
function isNoServers(refusal: unknown, pem: string): boolean {
  const text = refusal instanceof Error ? refusal.message : String(refusal);
  if (/CaUsedAsEndEntity|UnsupportedCertVersion/.test(text)) return true;
  if (!/UnknownIssuer/.test(text)) return false;
  const { issuer, subject } = new crypto.X509Certificate(pem);
  return issuer !== subject;
}

function untrusted(url: URL, why: string): FerryError {
  const facts = { transient: false, sent: false };
  return new FetchError("untrusted_certificate", `${url.host} is not trusted: ${why}`, facts);
}
