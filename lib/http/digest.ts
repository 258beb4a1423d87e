/** Digest fields (RFC 9530), dictionaries of structured fields (RFC 9651 section 3.2). */

/** What is made and checked; the rest of the registry is outdated, or too weak to hold against anybody. */
export const DIGEST_BYTES = { "sha-256": 32, "sha-512": 64 } as const;

/** A name of the registry that Ferry knows. */
export type DigestAlgorithm = keyof typeof DIGEST_BYTES;

/** One digest that a body has to have. */
export interface ExpectedDigest {
  algorithm: DigestAlgorithm;
  digest: Uint8Array;
}

/** Longer fields than this are nobody's digests. */
const MAX_LENGTH = 4096;

/** One member: a key, then perhaps `=` with a byte sequence or an integer, then perhaps parameters. */
const MEMBER =
  /^([a-z*][a-z0-9_.*-]*)(?:=(?::([A-Za-z0-9+/]*={0,2}):|(-?\d{1,15})))?(?:; *[a-z*][a-z0-9_.*-]*(?:=[\x21\x23-\x2b\x2d-\x3a\x3c-\x7e]+)?)*$/;

type Value = { kind: "bytes"; base64: string } | { kind: "integer"; value: number } | { kind: "flag" };

/** The members of a dictionary, the last one of each key; null when it is malformed or of other types. */
function parseDictionary(header: string): Map<string, Value> | null {
  const members = new Map<string, Value>();
  if (header.length > MAX_LENGTH) return null;
  if (header.trim() === "") return members;
  for (const part of header.split(",")) {
    const match = MEMBER.exec(part.trim());
    if (match === null) return null;
    const [, key, base64, integer] = match;
    if (base64 !== undefined) members.set(key, { kind: "bytes", base64 });
    else if (integer !== undefined) members.set(key, { kind: "integer", value: Number(integer) });
    else members.set(key, { kind: "flag" });
  }
  return members;
}

/**
 * The digests of a `Content-Digest` or `Repr-Digest` that can be checked; those of other algorithms are left out, as
 * section 2 allows. Null for a field that is malformed, or a digest that has not the length of its algorithm: whoever
 * sends one wants it checked.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(parseDigests("md5=:1B2M2Y8AsgTpgAmY7PhCfg==:"), []);
 * assertEquals(parseDigests("sha-256=abc"), null);
 * ```
 */
export function parseDigests(header: string): ExpectedDigest[] | null {
  const members = parseDictionary(header);
  if (members === null) return null;
  const digests: ExpectedDigest[] = [];
  for (const [algorithm, value] of members) {
    if (value.kind !== "bytes") return null;
    if (!isKnown(algorithm)) continue;
    const digest = decode(value.base64);
    if (digest?.length !== DIGEST_BYTES[algorithm]) return null;
    digests.push({ algorithm, digest });
  }
  return digests;
}

function isKnown(algorithm: string): algorithm is DigestAlgorithm {
  return Object.hasOwn(DIGEST_BYTES, algorithm);
}

function decode(base64: string): Uint8Array | null {
  try {
    return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  } catch {
    return null;
  }
}

/**
 * The weight, 1 to 10, with which a `Want-Content-Digest` or `Want-Repr-Digest` (null for none) asks for SHA-256
 * (section 4); 0 when it does not. A malformed one asks for nothing.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(sha256Weight("sha-512=3, sha-256=10"), 10);
 * assertEquals(sha256Weight("sha-256=0"), 0);
 * ```
 */
export function sha256Weight(header: string | null): number {
  if (header === null) return 0;
  const value = parseDictionary(header)?.get("sha-256");
  return value?.kind === "integer" && value.value >= 1 && value.value <= 10 ? value.value : 0;
}

/** `bytes` as lower-case hex, as checksums are written. */
export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The field that says a SHA-256, which is given in base64. */
export function formatSha256(base64: string): string {
  return `sha-256=:${base64}:`;
}
