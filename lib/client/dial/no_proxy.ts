/** The hosts that are reached without a proxy, by the variable `no_proxy`. Pure. */
import { addressBytes, sharesBits } from "../../http/address.ts";
import type { End } from "./end.ts";

/**
 * Whether `list` names `end`. Entries are parted by commas or spaces: a host or domain with all that is below it (a dot
 * or `*.` before it says the same), an address, a network such as `10.0.0.0/8`, `*` for all; each but a network may end in
 * `:PORT`. Case does not count.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(isExempt("localhost,.example.org", { hostname: "www.example.org", port: 80 }), true);
 * assertEquals(isExempt("ample.org", { hostname: "example.org", port: 80 }), false);
 * ```
 */
export function isExempt(list: string, end: End): boolean {
  const hostname = end.hostname.toLowerCase().replace(/\.$/, "");
  const address = addressBytes(hostname);
  return list.toLowerCase().split(/[\s,]+/).some((entry) => {
    if (entry === "" || entry === "*") return entry === "*";
    const { host, port } = splitPort(entry);
    if (port !== undefined && port !== end.port) return false;
    if (address !== null) return coversAddress(host, address);
    const domain = host.replace(/^\*?\./, "").replace(/\.$/, "");
    return domain !== "" && (hostname === domain || hostname.endsWith(`.${domain}`));
  });
}

/** `host:80`, `[::1]:80`, `[::1]`, `::1`: with several colons and no brackets all of it is an address. */
function splitPort(entry: string): { host: string; port?: number } {
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(entry);
  if (match === null) return { host: entry };
  return { host: match[1] ?? match[2], port: match[3] === undefined ? undefined : Number(match[3]) };
}

function coversAddress(entry: string, address: Uint8Array): boolean {
  const [text, bits, ...rest] = entry.split("/");
  const network = addressBytes(text);
  if (network === null || rest.length > 0) return false;
  const most = network.length * 8;
  if (bits === undefined) return sharesBits(network, address, most);
  return /^\d{1,3}$/.test(bits) && Number(bits) <= most && sharesBits(network, address, Number(bits));
}
