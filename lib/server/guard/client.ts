/** Addresses of clients as text, the same from the kernel's bytes as from the runtime. */

const AF_INET = 2;
const AF_INET6 = 10;

/**
 * The address and port of a struct sockaddr, as the runtime writes them; null for another family than IP.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(peerOf(new Uint8Array([2, 0, 0x1f, 0x90, 127, 0, 0, 1])), { host: "127.0.0.1", port: 8080 });
 * ```
 */
export function peerOf(bytes: Uint8Array): { host: string; port: number } | null {
  const family = bytes[0] | bytes[1] << 8;
  const port = bytes[2] << 8 | bytes[3];
  if (family === AF_INET) return { host: bytes.subarray(4, 8).join("."), port };
  return family === AF_INET6 ? { host: ipv6Text(bytes.subarray(8, 24)), port } : null;
}

/** Sixteen bytes as RFC 5952 writes them. */
function ipv6Text(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => bytes[2 * i] << 8 | bytes[2 * i + 1]);
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return "::ffff:" + bytes.subarray(12).join(".");
  }
  let start = 0, length = 0;
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && groups[end] === 0) end++;
    if (end - i > length) [start, length] = [i, end - i];
    i = Math.max(i, end - 1);
  }
  const hex = (part: number[]) => part.map((group) => group.toString(16)).join(":");
  return length < 2 ? hex(groups) : `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}

/**
 * Who is behind an address that the runtime or the kernel gave: an IPv4 address by itself, an IPv6 address with all of
 * its network of 64 bits, since whoever has one of those has them all.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(clientOf("192.0.2.7"), "192.0.2.7");
 * assertEquals(clientOf("::ffff:192.0.2.7"), "192.0.2.7");
 * assertEquals(clientOf("2001:db8::7"), "2001:db8:0:0::/64");
 * ```
 */
export function clientOf(host: string): string {
  if (!host.includes(":")) return host;
  if (host.startsWith("::ffff:") && host.includes(".")) return host.slice(7);
  const [head, tail] = host.split("::");
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    const after = tail === "" ? 0 : tail.split(":").length;
    while (groups.length < 8 - after) groups.push("0");
  }
  if (tail) groups.push(...tail.split(":"));
  return groups.slice(0, 4).join(":") + "::/64";
}

/** What tells one connection from all others. */
export function connectionKey(host: string, port: number): string {
  return `${host} ${port}`;
}
