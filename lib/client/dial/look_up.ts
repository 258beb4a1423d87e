/** Names to addresses, as the system's resolver does it. Slow to load, so only for who needs the addresses themselves. */
import { lookup } from "node:dns/promises";
import type { Family } from "./tcp.ts";

/** At most 8 addresses of `hostname`, in the system's order. Throws when it has none, in the words of `Deno.connect`. */
export async function lookUp(hostname: string, family?: Family): Promise<string[]> {
  try {
    const found = await lookup(hostname, { all: true, family: family ?? 0 });
    const addresses = [...new Set(found.map(({ address }) => address))].slice(0, 8);
    if (addresses.length > 0) return addresses;
  } catch (error) {
    const again = (error as { code?: unknown }).code === "EAI_AGAIN";
    if (again) throw new Error("Temporary failure in name resolution", { cause: error });
  }
  const kind = family === undefined ? "" : ` with an IPv${family} address`;
  throw new Error(`failed to lookup address information: Name${kind} not known`);
}
