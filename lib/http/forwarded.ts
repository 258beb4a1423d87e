/** Who a request came from, when it came by way of proxies. */

/**
 * The address of the client: `peer`, unless that is a proxy that is trusted; then what `forwarded`, its
 * X-Forwarded-For header (null for none), says: the last address in it that is none of a trusted proxy, since those
 * before may have been made up by the client. Ports are left out, and what is no address ends the search.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const trusted = (address: string) => address.startsWith("10.");
 * assertEquals(forwardedClient("10.0.0.1", "203.0.113.9, 192.0.2.7, 10.0.0.2", trusted), "192.0.2.7");
 * assertEquals(forwardedClient("192.0.2.8", "203.0.113.9", trusted), "192.0.2.8");
 * ```
 */
export function forwardedClient(
  peer: string,
  forwarded: string | null,
  trusted: (address: string) => boolean,
): string {
  if (forwarded === null) return peer;
  const hops = forwarded.split(",");
  let client = peer;
  while (trusted(client)) {
    const address = addressOf(hops.pop()?.trim() ?? "");
    if (address === null) break;
    client = address;
  }
  return client;
}

/** `1.2.3.4`, `1.2.3.4:567`, `2001:db8::1` or `[2001:db8::1]:567` without the port; null for anything else. */
function addressOf(text: string): string | null {
  const v4 = /^(\d{1,3}(?:\.\d{1,3}){3})(?::\d{1,5})?$/.exec(text)?.[1];
  if (v4 !== undefined) return v4.split(".").every((part) => Number(part) < 256) ? v4 : null;
  const v6 = /^\[?([0-9a-f:]{2,39}|::ffff:[\d.]{7,15})(?:\](?::\d{1,5})?)?$/i.exec(text)?.[1];
  if (v6 === undefined || !v6.includes(":") || !URL.canParse(`http://[${v6}]/`)) return null;
  return v6.toLowerCase();
}
