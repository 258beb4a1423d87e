/** What `ferry serve` signs tokens with. */
import type { ServerSettings } from "../lib/server/settings.ts";
import { stateHome } from "../lib/store/state_dir.ts";

/** The key of `--token-key`, with the place of its account; else `key`, which ends with the process. Throws `usage`. */
export async function readKey(
  flags: { "token-key": string | undefined; "state-dir": string | undefined },
  { key, env, dry }: {
    key: Uint8Array;
    env: (name: string) => string | undefined;
    /** Nothing is made. */
    dry: boolean;
  },
): Promise<Pick<ServerSettings, "key" | "ledger">> {
  const path = flags["token-key"];
  if (path === undefined) return { key };
  const { readTokenKey } = await import("../lib/server/token_key.ts");
  const { TokenLedger } = await import("../lib/server/token_ledger.ts");
  const lasting = readTokenKey(path);
  const home = stateHome(flags["state-dir"], env);
  if (dry) return { key: lasting, ledger: home };
  // Now, where it can be said what is in the way, and where folders may be made.
  new TokenLedger(home, lasting, { make: true })[Symbol.dispose]();
  return { key: lasting, ledger: Deno.realPathSync(home) };
}
