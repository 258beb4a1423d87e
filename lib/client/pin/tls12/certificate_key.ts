/** The key of a certificate, and what it has signed (RFC 5280 section 4.1, RFC 8446 section 4.2.3). */

import { Der, INTEGER, SEQUENCE } from "./der.ts";

/** The key of a certificate, as WebCrypto takes it. */
export interface CertificateKey {
  kind: "rsa" | "P-256" | "P-384";
  spki: Uint8Array<ArrayBuffer>;
}

/** How a server may have signed its part of a handshake: RFC 8446's numbers, which TLS 1.2 shares. */
const SCHEMES: Readonly<
  Record<number, { by: "ecdsa" | "pkcs1" | "pss"; hash: "SHA-256" | "SHA-384" | "SHA-512" }>
> = {
  0x0403: { by: "ecdsa", hash: "SHA-256" },
  0x0503: { by: "ecdsa", hash: "SHA-384" },
  0x0804: { by: "pss", hash: "SHA-256" },
  0x0805: { by: "pss", hash: "SHA-384" },
  0x0806: { by: "pss", hash: "SHA-512" },
  0x0401: { by: "pkcs1", hash: "SHA-256" },
  0x0501: { by: "pkcs1", hash: "SHA-384" },
  0x0601: { by: "pkcs1", hash: "SHA-512" },
};

export const SIGNATURE_SCHEMES: readonly number[] = Object.keys(SCHEMES).map(Number);

const VERSION = 0xa0;

const RSA = "1.2.840.113549.1.1.1";
const EC = "1.2.840.10045.2.1";
const CURVES: Readonly<Record<string, "P-256" | "P-384">> = {
  "1.2.840.10045.3.1.7": "P-256",
  "1.3.132.0.34": "P-384",
};

/** What the certificate `der` says, from its key on. Throws RangeError for what is no certificate. */
export function beforeKey(der: Uint8Array<ArrayBuffer>): Der {
  const signed = new Der(der).enter(SEQUENCE).enter(SEQUENCE);
  if (signed.tag === VERSION) signed.skip();
  signed.skip(INTEGER);
  // How it is signed, by whom, from when to when, for whom.
  for (let field = 0; field < 4; field++) signed.skip(SEQUENCE);
  return signed;
}

const BIT_STRING = 0x03;
/** What the runtime takes from servers. */
const [LEAST_BITS, MOST_BITS] = [2048, 8192];

/** The key of the certificate `der`; null for one of a kind or a length that is not known here, and for what is no certificate. */
export function certificateKey(der: Uint8Array<ArrayBuffer>): CertificateKey | null {
  try {
    const signed = beforeKey(der);
    const spki = signed.whole(SEQUENCE);
    const algorithm = new Der(spki).enter(SEQUENCE).enter(SEQUENCE);
    const name = algorithm.objectIdentifier();
    if (name === RSA) {
      const bits = modulusBits(spki);
      return bits < LEAST_BITS || bits > MOST_BITS ? null : { kind: "rsa", spki };
    }
    if (name !== EC) return null;
    const kind = CURVES[algorithm.objectIdentifier()];
    return kind === undefined ? null : { kind, spki };
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** RFC 8017 appendix A.1.1. */
function modulusBits(spki: Uint8Array<ArrayBuffer>): number {
  const info = new Der(spki).enter(SEQUENCE);
  info.skip(SEQUENCE);
  // The number of bits that are not used comes first: none.
  const modulus = new Der(info.content(BIT_STRING).slice(1)).enter(SEQUENCE).content(INTEGER);
  const first = modulus.findIndex((byte) => byte !== 0);
  return first < 0 ? 0 : 8 * (modulus.length - first) - (Math.clz32(modulus[first]) - 24);
}

/** Whether `signature`, made by `scheme`, is that of `key` over `signed`. */
export async function isSignedBy(
  key: CertificateKey,
  { scheme, signature, signed }: {
    scheme: number;
    signature: Uint8Array<ArrayBuffer>;
    signed: Uint8Array<ArrayBuffer>;
  },
): Promise<boolean> {
  const way = SCHEMES[scheme];
  if (way === undefined || (way.by === "ecdsa") !== (key.kind !== "rsa")) return false;
  const { hash } = way;
  try {
    if (key.kind !== "rsa") {
      const curve = { name: "ECDSA", namedCurve: key.kind };
      const imported = await crypto.subtle.importKey("spki", key.spki, curve, false, ["verify"]);
      const raw = rawSignature(signature, key.kind === "P-256" ? 32 : 48);
      return raw !== null && await crypto.subtle.verify({ name: "ECDSA", hash }, imported, raw, signed);
    }
    const name = way.by === "pss" ? "RSA-PSS" : "RSASSA-PKCS1-v1_5";
    const imported = await crypto.subtle.importKey("spki", key.spki, { name, hash }, false, ["verify"]);
    const how = way.by === "pss" ? { name, saltLength: Number(hash.slice(4)) / 8 } : { name };
    return await crypto.subtle.verify(how, imported, signature, signed);
  } catch {
    // A key that WebCrypto cannot read; each version says so in its own way.
    return false;
  }
}

/** An ECDSA signature as WebCrypto takes it, two numbers of `width` bytes, from its DER; null for what is none. */
export function rawSignature(der: Uint8Array<ArrayBuffer>, width: number): Uint8Array<ArrayBuffer> | null {
  try {
    const all = new Der(der);
    const pair = all.enter(SEQUENCE);
    const raw = new Uint8Array(2 * width);
    for (const end of [width, 2 * width]) {
      const number = pair.content(INTEGER);
      // A zero before it says that it is not negative.
      const bytes = number.length > 1 && number[0] === 0 ? number.subarray(1) : number;
      if (bytes.length === 0 || bytes.length > width) return null;
      raw.set(bytes, end - bytes.length);
    }
    return pair.isAtEnd && all.isAtEnd ? raw : null;
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
