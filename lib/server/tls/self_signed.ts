/** A certificate that a server makes for itself (X.509 v3, RFC 5280), and its key. */
import type { KeyPair } from "../../client/key_pair.ts";
import { addressBytes } from "../../http/address.ts";
import {
  bits,
  boolean,
  explicit,
  implicit,
  octets,
  oid,
  sequence,
  set,
  time,
  unsigned,
  utf8,
} from "./der.ts";

const ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2";
const COMMON_NAME = "2.5.4.3";
const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";

const DAY_MS = 24 * 3600 * 1000;
/** Clocks of clients may be late. */
const EARLIER_MS = DAY_MS;

/**
 * Makes a key (ECDSA on P-256) and a certificate for `names`, DNS names and addresses, that holds for `days` from `now`.
 * It is no authority: whoever trusts it trusts this one server.
 */
export async function makeSelfSigned(
  names: readonly string[],
  options: { days: number; now?: number },
): Promise<KeyPair> {
  const keys = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, [
    "sign",
    "verify",
  ]);
  const [spki, pkcs8] = await Promise.all([
    crypto.subtle.exportKey("spki", keys.publicKey),
    crypto.subtle.exportKey("pkcs8", keys.privateKey),
  ]);
  const now = options.now ?? Date.now();
  const signed = certificateBody(names, {
    spki: new Uint8Array(spki),
    // A fresh one each time, since browsers refuse two certificates of one issuer with one number.
    serial: crypto.getRandomValues(new Uint8Array(15)),
    from: now - EARLIER_MS,
    to: now + options.days * DAY_MS,
  });
  const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, keys.privateKey, signed);
  const cert = sequence(
    signed,
    sequence(oid(ECDSA_WITH_SHA256)),
    bits(ecdsaValue(new Uint8Array(signature))),
  );
  return { cert: toPem("CERTIFICATE", cert), key: toPem("PRIVATE KEY", new Uint8Array(pkcs8)) };
}

interface Content {
  spki: Uint8Array;
  serial: Uint8Array;
  from: number;
  to: number;
}

/** TBSCertificate, RFC 5280 section 4.1. */
function certificateBody(names: readonly string[], content: Content): Uint8Array<ArrayBuffer> {
  const name = sequence(set(sequence(oid(COMMON_NAME), utf8("Ferry"))));
  const extensions = sequence(
    extension("2.5.29.19", true, sequence()),
    // digitalSignature alone.
    extension("2.5.29.15", true, bits(Uint8Array.of(0x80), 7)),
    extension("2.5.29.37", false, sequence(oid(SERVER_AUTH))),
    extension("2.5.29.17", false, sequence(...names.map(generalName))),
  );
  return sequence(
    explicit(0, unsigned(Uint8Array.of(2))),
    unsigned(content.serial),
    sequence(oid(ECDSA_WITH_SHA256)),
    name,
    sequence(time(content.from), time(content.to)),
    name,
    content.spki,
    explicit(3, extensions),
  );
}

function extension(id: string, critical: boolean, value: Uint8Array): Uint8Array<ArrayBuffer> {
  return critical ? sequence(oid(id), boolean(true), octets(value)) : sequence(oid(id), octets(value));
}

/** A DNS name, or an address as its bytes. */
function generalName(name: string): Uint8Array<ArrayBuffer> {
  const address = addressBytes(name);
  return address === null ? implicit(2, new TextEncoder().encode(name)) : implicit(7, address);
}

/** WebCrypto's two numbers of 32 bytes as the SEQUENCE of RFC 3279 section 2.2.3. */
function ecdsaValue(signature: Uint8Array): Uint8Array<ArrayBuffer> {
  return sequence(unsigned(signature.subarray(0, 32)), unsigned(signature.subarray(32)));
}

function toPem(label: string, bytes: Uint8Array): string {
  const lines = btoa(String.fromCharCode(...bytes)).match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
