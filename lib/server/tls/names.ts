/** The names that a certificate of this machine is for. */

/** DNS names are letters, digits, hyphens and underscores between dots (RFC 1123), at most 253 of them. */
function isDnsName(name: string): boolean {
  return name.length <= 253 &&
    /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/i
      .test(name);
}

/**
 * `localhost`, the name of the machine, alone and in `.local`, the address or name that the server listens on, and the
 * addresses of the machine but link-local ones, which no URL can name.
 */
export function machineNames(
  host: string,
  machine: { hostname: string; addresses: readonly string[] },
): string[] {
  const names = ["localhost"];
  const { hostname } = machine;
  if (isDnsName(hostname)) {
    names.push(hostname);
    if (!hostname.includes(".")) names.push(`${hostname}.local`);
  }
  const listening = host.toLowerCase();
  const everywhere = listening === "0.0.0.0" || listening === "::";
  if (!everywhere && (isDnsName(listening) || listening.includes(":"))) names.push(listening);
  names.push("127.0.0.1", "::1", ...machine.addresses);
  return [...new Set(names.map((name) => name.toLowerCase()))]
    .filter((name) => !name.startsWith("fe80:"))
    .slice(0, MAX_NAMES);
}

/** A machine with many containers has many addresses, and a certificate travels with each handshake. */
const MAX_NAMES = 100;

/** What the system says of this machine. */
export function thisMachine(): { hostname: string; addresses: string[] } {
  return {
    hostname: Deno.hostname(),
    addresses: Deno.networkInterfaces().map(({ address }) => address),
  };
}
