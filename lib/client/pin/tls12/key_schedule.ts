/** The secrets of a TLS 1.2 connection (RFC 5246 sections 5, 6.3 and 8.1, RFC 7627). Pure. */
import { joined } from "../../../core/joined.ts";

export type Hash = "SHA-256" | "SHA-384";

export type Bytes = Uint8Array<ArrayBuffer>;

export async function digest(hash: Hash, bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest(hash, bytes));
}

/** The pseudorandom function: `length` bytes from `secret`, for what `label` and `seed` say. */
export async function prf(
  hash: Hash,
  secret: Bytes,
  { label, seed, length }: { label: string; seed: Uint8Array; length: number },
): Promise<Bytes> {
  const key = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash }, false, ["sign"]);
  const hmac = async (bytes: Bytes) => new Uint8Array(await crypto.subtle.sign("HMAC", key, bytes));
  const labelled = joined([new TextEncoder().encode(label), seed]);
  let output: Bytes = new Uint8Array();
  for (let a: Bytes = labelled; output.length < length;) {
    a = await hmac(a);
    output = joined([output, await hmac(joined([a, labelled]))]);
  }
  return output.slice(0, length);
}
