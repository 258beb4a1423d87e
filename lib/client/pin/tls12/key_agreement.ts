/** A key that two agree on before others' eyes (RFC 8422 section 5, RFC 7748). */
import type { Bytes } from "./key_schedule.ts";

const X25519 = 0x001d;
const CURVES: Readonly<Record<number, { namedCurve: string; bytes: number }>> = {
  0x0017: { namedCurve: "P-256", bytes: 32 },
  // OpenSSL shows a certificate with a key of P-384 only to those who know the curve here too.
  0x0018: { namedCurve: "P-384", bytes: 48 },
};

export const GROUPS: readonly number[] = [X25519, ...Object.keys(CURVES).map(Number)];

export interface Agreement {
  /** What the other side is told. */
  point: Bytes;
  /** What both know, and nobody else. */
  secret: Bytes;
}

/** Agrees with the one whose share is `theirs`; null when that is none of the group. */
export async function agree(group: number, theirs: Bytes): Promise<Agreement | null> {
  // RFC 8422 section 5.4.1: uncompressed. Deno 2.4 ends the whole process over a share for X25519 of another length.
  const { namedCurve, bytes } = CURVES[group] ?? { bytes: 32 };
  const isShare = namedCurve === undefined
    ? theirs.length === bytes
    : theirs.length === 1 + 2 * bytes && theirs[0] === 4;
  if (!isShare) return null;
  const algorithm = namedCurve === undefined ? { name: "X25519" } : { name: "ECDH", namedCurve };
  const pair = await crypto.subtle.generateKey(algorithm, true, ["deriveBits"]) as CryptoKeyPair;
  try {
    const share = await crypto.subtle.importKey("raw", theirs, algorithm, true, []);
    const derived = await crypto.subtle.deriveBits(
      { name: algorithm.name, public: share },
      pair.privateKey,
      8 * bytes,
    );
    const secret = new Uint8Array(derived);
    // RFC 7748 section 6.1: a share of small order makes a key that everybody knows.
    if (secret.every((byte) => byte === 0)) return null;
    return { point: new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)), secret };
  } catch {
    // No point of the group; each version of the runtime says so in its own way.
    return null;
  }
}
