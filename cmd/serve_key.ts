/** What `ferry serve` signs tokens with, and that nobody reaches what says who may come in. */
import { demandPrivate } from "../lib/server/private_file.ts";
import { ledgerFolder } from "../lib/server/token_ledger.ts";
import type { ServerSettings } from "../lib/server/settings.ts";
import { stateHome } from "../lib/store/state_dir.ts";

/** Throws `usage` when a file that says who may come in lies in one of the shared folders `roots`. */
export function demandPrivateAccounts(
  flags: { "token-key": string | undefined; "state-dir": string | undefined; users: string | undefined },
  { roots, env }: { roots: readonly string[]; env: (name: string) => string | undefined },
): void {
  const { users, "token-key": key } = flags;
  const hint = "keep it elsewhere";
  if (users !== undefined) demandPrivate({ flag: "--users", what: "the file", path: users, hint }, roots);
  if (key === undefined) return;
  demandPrivate({ flag: "--token-key", what: "the key", path: key, hint }, roots);
  const account = {
    flag: "--token-key",
    what: "the account of its tokens",
    path: ledgerFolder(stateHome(flags["state-dir"], env)),
    hint: "name another --state-dir",
  };
  demandPrivate(account, roots);
}

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
