/** A key that two agree on before others' eyes (RFC 8422 section 5, RFC 7748). */
import type { Bytes } from "./key_schedule.ts";

const X25519 = 0x001d;
const P256 = 0x0017;

export const GROUPS: readonly number[] = [X25519, P256];

export interface Agreement {
  /** What the other side is told. */
  point: Bytes;
  /** What both know, and nobody else. */
  secret: Bytes;
}

/** Agrees with the one whose share is `theirs`; null when that is none of the group. */
export async function agree(group: number, theirs: Bytes): Promise<Agreement | null> {
  const algorithm = group === X25519 ? { name: "X25519" } : { name: "ECDH", namedCurve: "P-256" };
  const pair = await crypto.subtle.generateKey(algorithm, true, ["deriveBits"]) as CryptoKeyPair;
  try {
    const share = await crypto.subtle.importKey("raw", theirs, algorithm, true, []);
    const derived = await crypto.subtle.deriveBits(
      { name: algorithm.name, public: share },
      pair.privateKey,
      256,
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
