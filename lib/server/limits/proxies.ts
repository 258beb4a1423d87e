/** The proxies whose word about their clients is taken. */
import { BlockList, isIP } from "node:net";
import { forwardedClient } from "../../http/forwarded.ts";
import { clientOf } from "../guard/client.ts";

/** What a request tells of where it came from. */
interface Origin {
  remoteAddr: Deno.Addr;
}

const SOCKET = "unix";

/** Whether `text` names a proxy: an address, a network such as `10.0.0.0/8`, or `unix`. */
export function isProxyName(text: string): boolean {
  if (text === SOCKET) return true;
  const [address, bits, ...rest] = text.split("/");
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return bits === undefined || /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128);
}

export class Proxies {
  readonly #list = new BlockList();
  readonly #socket: boolean;
  /** What `clientOf` makes of the addresses that are named. */
  readonly #clients = new Set<string>();

  /** Each of `names` is one (`isProxyName`). */
  constructor(names: readonly string[]) {
    this.#socket = names.includes(SOCKET);
    for (const name of names) {
      const [address, bits] = name.split("/");
      const family = familyOf(address);
      if (family === null) continue;
      if (bits === undefined) {
        this.#list.addAddress(address, family);
        this.#clients.add(clientOf(canonical(address)));
      } else this.#list.addSubnet(address, Number(bits), family);
    }
  }

  /** Whether `address`, as the runtime writes it, is a proxy's. */
  has(address: string): boolean {
    if (address === SOCKET) return this.#socket;
    const plain = address.startsWith("::ffff:") ? address.slice(7) : address;
    const family = familyOf(plain);
    return family !== null && this.#list.check(plain, family);
  }

  /** Whether a proxy is among those that `client` (as of `clientOf`) stands for. */
  hasClient(client: string): boolean {
    return this.#clients.has(client) || this.has(canonical(client.replace("/64", "")));
  }

  /** The address of the client of a request with these headers; `unix` where that is not known behind a socket. */
  clientOf({ remoteAddr }: Origin, headers: Headers): string {
    const peer = "hostname" in remoteAddr ? remoteAddr.hostname : SOCKET;
    if (!this.has(peer)) return peer;
    return forwardedClient(peer, headers.get("x-forwarded-for"), (address) => this.has(address));
  }
}

/** An address as the runtime writes it. */
function canonical(address: string): string {
  return isIP(address) === 6 ? new URL(`http://[${address}]/`).hostname.slice(1, -1) : address;
}

function familyOf(address: string): "ipv4" | "ipv6" | null {
  const family = isIP(address);
  return family === 0 ? null : family === 4 ? "ipv4" : "ipv6";
}
