/** `--resolve HOST:PORT:ADDRESS`: where hosts are, whatever the name servers say. Pure. */
import { FerryError, quote } from "../../core/errors.ts";
import { addressBytes } from "../../http/address.ts";
import type { End } from "./end.ts";

/** Addresses by `HOST:PORT`. */
export type Resolved = ReadonlyMap<string, readonly string[]>;

/** Reads the values of `--resolve`; a later one of the same host and port replaces an earlier one. Throws `usage`. */
export function parseResolve(values: readonly string[]): Resolved {
  const resolved = new Map<string, readonly string[]>();
  for (const value of values) {
    const wrong = (why: string) => new FerryError("usage", `--resolve ${quote(value)}: ${why}`);
    const match = /^(\[[^\]]*\]|[^:\s]+):(\d{1,5}):(.+)$/.exec(value);
    if (match === null) throw wrong("must be HOST:PORT:ADDRESS, like host.example:443:192.0.2.1");
    const [, host, port, list] = match;
    const hostname = URL.parse(`http://${host}/`)?.hostname;
    if (hostname === undefined || /[*/?#@]/.test(host)) throw wrong(`${quote(host)} is not a host`);
    if (Number(port) < 1 || Number(port) > 65535) throw wrong("the port must be from 1 to 65535");
    const addresses = list.split(",").map((address) => address.replace(/^\[(.*)\]$/, "$1"));
    for (const address of addresses) {
      if (addressBytes(address) === null) throw wrong(`${quote(address)} is not an IP address`);
    }
    resolved.set(keyOf({ hostname: hostname.replace(/^\[|\]$/g, ""), port: Number(port) }), addresses);
  }
  return resolved;
}

/** The addresses that are known for `end`. */
export function resolvedOf(resolved: Resolved | undefined, end: End): readonly string[] | undefined {
  return resolved?.get(keyOf(end));
}

function keyOf({ hostname, port }: End): string {
  return `${hostname.toLowerCase()}:${port}`;
}
