import { defineCommand } from "../lib/cli/command.ts";
import { FerryError } from "../lib/core/errors.ts";
import { Capabilities } from "../lib/server/capability.ts";
import { parseRule } from "../lib/server/rule.ts";
import { formatPerms } from "../lib/server/access.ts";
import { KEY_FLAG, keyOf, LIMIT_FLAGS, newGrant, tellMade } from "./token_flags.ts";

export const tokenCreate = defineCommand({
  name: "token create",
  summary: "Make a token that a server with the same --token-key honours: for one path, some verbs, a while.",
  usage: ["token create --token-key FILE [flags]"],
  args: { min: 0, max: 0 },
  flags: {
    ...KEY_FLAG,
    path: { type: "string", value: "PATH", default: "/", about: "the URL path at and below which it holds" },
    perms: {
      type: "string",
      value: "PERMS",
      default: "r",
      about: "letters of r (read and list), w (create and overwrite), d (delete and move), s (manage jobs)",
    },
    expires: { type: "duration", value: "DUR", default: 24 * 60 * 60 * 1000, about: "how long it holds" },
    ...LIMIT_FLAGS,
  },
  notes: [
    "The token is on stdout. It goes to ferry request and ferry sync as --token or FERRY_TOKEN, to other clients as " +
    "`Authorization: Bearer TOKEN`, and where they only know passwords as the password of any user name. Whoever has it " +
    "can use it: it is a password. ferry token revoke ends it before its time.",
    "A use is a request that was not refused; a sync makes many.",
  ],
  examples: [
    {
      run: "ferry token create --token-key /etc/ferry.key --path /builds --perms rw --expires 90d",
      about: "for a machine that uploads builds",
    },
    {
      run: "ferry token create --token-key /etc/ferry.key --path /inbox --perms w --uses 1 --bytes 1G",
      about: "for one upload",
    },
  ],
  exits: [0, 2],
  run({ flags }, io) {
    const key = keyOf(flags);
    const rule = parseRule(flags.path, flags.perms);
    if ("problem" in rule) throw new FerryError("usage", `--path and --perms: ${rule.problem}`);
    if (rule.perms === 0) throw new FerryError("usage", "--perms none would allow nothing");
    const grant = newGrant(rule, flags);
    const text = new Capabilities(key).issue(grant);
    tellMade(io, { kind: "token", text, grant, perms: formatPerms(rule.perms) }, flags);
    return Promise.resolve(0);
  },
});
