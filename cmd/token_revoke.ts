import { defineCommand } from "../lib/cli/command.ts";
import { FerryError } from "../lib/core/errors.ts";
import { Capabilities } from "../lib/server/capability.ts";
import { isGrantId } from "../lib/server/grant.ts";
import { TokenLedger } from "../lib/server/token_ledger.ts";
import { stateHome } from "../lib/store/state_dir.ts";
import { KEY_FLAG, keyOf, STATE_FLAG, tokenArgument } from "./token_flags.ts";

/** A token that is known by its id alone may hold so long. */
const FOREVER = Date.UTC(9999, 0);

export const tokenRevoke = defineCommand({
  name: "token revoke",
  summary: "End a token or share link now: the server refuses it from the next request on.",
  usage: ["token revoke --token-key FILE TOKEN|LINK|ID|-"],
  args: { min: 1, max: 1 },
  flags: { ...KEY_FLAG, ...STATE_FLAG },
  notes: [
    "It is written into the state folder of the server, on its machine and as its user; the server need not be told. To " +
    "end all tokens at once, give the server another key.",
  ],
  examples: [
    {
      run: "sudo -u ferry ferry token revoke --token-key /etc/ferry.key --state-dir /var/lib/ferry 5f0c…",
      about: "by the id, which token create told and the server's log has",
    },
  ],
  exits: [0, 2],
  async run({ flags, args }, io) {
    const key = keyOf(flags);
    const text = await tokenArgument(args[0], io);
    const grant = isGrantId(text) ? { id: text, expires: FOREVER } : new Capabilities(key).open(text);
    if (grant === null) throw new FerryError("usage", "this is no token of this key, and no id of one");
    using ledger = new TokenLedger(stateHome(flags["state-dir"], io.env), key, { make: false });
    ledger.revoke(grant);
    if (flags.json) io.out(JSON.stringify({ revoked: grant.id }) + "\n");
    else if (!flags.quiet) io.err(`ferry: ${grant.id} is revoked\n`);
    return 0;
  },
});
