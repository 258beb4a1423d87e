import { defineCommand } from "../lib/cli/command.ts";
import { readSecret } from "../lib/cli/secret_input.ts";
import { FerryError } from "../lib/core/errors.ts";
import { hashPassword } from "../lib/server/password.ts";

export const tokenHash = defineCommand({
  name: "token hash",
  summary: "Make the hash of a password, which may stand where the password itself should not.",
  usage: ["token hash"],
  args: { min: 0, max: 0 },
  flags: {},
  notes: [
    "The password is asked for on a terminal, twice and without showing it, else it is the first line of stdin. The hash " +
    "is of scrypt (RFC 7914) with 64 MiB of memory, for ferry serve --users and --auth.",
  ],
  examples: [
    {
      run: 'echo "ann:$(ferry token hash):/docs:rw" >> users',
      about: "a user for ferry serve --users users",
    },
  ],
  exits: [0, 2, 130],
  async run({ flags }, io) {
    const password = await readSecret(io, "Password: ");
    if (password === "") throw new FerryError("usage", "the password is empty");
    if (Deno.stdin.isTerminal() && await readSecret(io, "Again: ") !== password) {
      throw new FerryError("usage", "the two are not the same");
    }
    const hash = await hashPassword(password);
    io.out(flags.json ? JSON.stringify({ hash }) + "\n" : hash + "\n");
    return 0;
  },
});
