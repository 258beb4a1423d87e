/** IP addresses as bytes. Pure. */

/**
 * The 4 bytes of an IPv4 address or the 16 of an IPv6 one (RFC 4291 section 2.2, without brackets); null for anything
 * else.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(addressBytes("10.0.0.1"), Uint8Array.of(10, 0, 0, 1));
 * assertEquals(addressBytes("host.example"), null);
 * ```
 */
export function addressBytes(text: string): Uint8Array<ArrayBuffer> | null {
  if (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(text)) {
    const parts = text.split(".").map(Number);
    return parts.every((part) => part < 256) ? Uint8Array.from(parts) : null;
  }
  if (!text.includes(":") || !/^[\da-f:.]{2,45}$/i.test(text)) return null;
  // As URLs write it: lower case, no IPv4 inside, the longest run of zeros left out.
  const plain = URL.parse(`http://[${text}]/`)?.hostname.slice(1, -1);
  if (plain === undefined) return null;
  const [before, after] = plain.split("::").map((half) => half === "" ? [] : half.split(":"));
  const zeros = after === undefined ? 0 : 8 - before.length - after.length;
  const words = [...before, ...Array<string>(zeros).fill("0"), ...after ?? []].map((word) =>
    parseInt(word, 16)
  );
  return Uint8Array.from(words.flatMap((word) => [word >> 8, word & 0xff]));
}

/** Whether the first `bits` bits of `a` and `b` are the same; addresses of two families never are. */
export function sharesBits(a: Uint8Array, b: Uint8Array, bits: number): boolean {
  if (a.length !== b.length) return false;
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (a[i] !== b[i]) return false;
  const mask = 0xff00 >> (bits & 7) & 0xff;
  return mask === 0 || (a[whole] & mask) === (b[whole] & mask);
}
