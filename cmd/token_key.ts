import { defineCommand } from "../lib/cli/command.ts";
import { quote } from "../lib/core/errors.ts";
import { makeTokenKey } from "../lib/server/token_key.ts";

export const tokenKey = defineCommand({
  name: "token key",
  summary: "Make the key that tokens are signed with, in a new file that only its owner may read.",
  usage: ["token key FILE"],
  args: { min: 1, max: 1, operand: { kind: "file" } },
  flags: {},
  notes: [
    "Whoever can read it can make tokens for everything that the server serves. Another key ends all tokens of the old one.",
  ],
  examples: [
    { run: "sudo -u ferry ferry token key /etc/ferry/token.key", about: "for ferry serve --token-key" },
  ],
  exits: [0, 2, 23],
  run({ flags, args }, io) {
    makeTokenKey(args[0]);
    if (flags.json) io.out(JSON.stringify({ key: args[0] }) + "\n");
    else if (!flags.quiet) io.err(`ferry: ${quote(args[0])} is the new key; keep it secret\n`);
    return Promise.resolve(0);
  },
});
