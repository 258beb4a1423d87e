/** The two ends of a connection, as URLs name them. Pure. */

/** A host, without the brackets of an IPv6 address, and a port. */
export interface End {
  hostname: string;
  port: number;
}

const PORTS: Readonly<Record<string, number>> = {
  "http:": 80,
  "https:": 443,
  "socks5:": 1080,
  "socks5h:": 1080,
};

/** Where `url` leads to. */
export function endOf(url: URL): End {
  return { hostname: url.hostname.replace(/^\[|\]$/g, ""), port: Number(url.port) || PORTS[url.protocol] };
}
