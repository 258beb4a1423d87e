import { defineCommand } from "../lib/cli/command.ts";
import { formatBytes, formatTime } from "../lib/cli/units.ts";
import { FerryError, quote } from "../lib/core/errors.ts";
import { formatPerms } from "../lib/server/access.ts";
import { Capabilities, readUnverified } from "../lib/server/capability.ts";
import type { Grant } from "../lib/server/grant.ts";
import { TokenLedger, type TokenRecord } from "../lib/server/token_ledger.ts";
import { stateHome } from "../lib/store/state_dir.ts";
import { KEY_FLAG, keyOf, STATE_FLAG, tokenArgument } from "./token_flags.ts";

/** Why a token would be refused; null for one that holds as far as is known here. */
type Trouble = "not of this key" | "ended" | "revoked" | "used up" | null;

export const tokenInspect = defineCommand({
  name: "token inspect",
  summary:
    "Show what a token or share link says, and with the key whether it is right and what became of it.",
  usage: ["token inspect [--token-key FILE] TOKEN|LINK|-"],
  args: { min: 1, max: 1 },
  flags: { ...KEY_FLAG, ...STATE_FLAG },
  notes: [
    "A dash reads the token from stdin, where no other user of the machine sees it. Without --token-key what it says is " +
    "shown as it stands there, whoever wrote it.",
  ],
  examples: [
    { run: "ferry token inspect --token-key /etc/ferry.key - < token", about: "is it still good?" },
  ],
  exits: [0, 2, 67],
  async run({ flags, args }, io) {
    const token = await tokenArgument(args[0], io);
    const grant = readUnverified(token);
    if (grant === null) throw new FerryError("usage", "this is no token of Ferry's, or one that is damaged");
    const key = flags["token-key"] === undefined ? null : keyOf(flags);
    const genuine = key === null ? null : new Capabilities(key).open(token) !== null;
    const record = key !== null && genuine
      ? recordOf(grant, key, stateHome(flags["state-dir"], io.env))
      : null;
    const trouble = troubleOf(grant, genuine, record);
    io.out(
      flags.json
        ? JSON.stringify(asJson(grant, { genuine, record, trouble })) + "\n"
        : asText(grant, { genuine, record, trouble }),
    );
    return trouble === null ? 0 : 67;
  },
});

/** What the server's ledger has; null where there is none here. */
function recordOf(grant: Grant, key: Uint8Array, home: string): TokenRecord | null {
  try {
    using ledger = new TokenLedger(home, key, { make: false });
    return ledger.find(grant.id);
  } catch (error) {
    if (error instanceof FerryError) return null;
    throw error;
  }
}

function troubleOf(grant: Grant, genuine: boolean | null, record: TokenRecord | null): Trouble {
  if (genuine === false) return "not of this key";
  if (record !== null && record.revoked !== null) return "revoked";
  if (grant.expires <= Date.now()) return "ended";
  const { uses = Infinity, bytes = Infinity } = grant;
  return record !== null && (record.uses >= uses || record.bytes >= bytes) ? "used up" : null;
}

interface Found {
  genuine: boolean | null;
  record: TokenRecord | null;
  trouble: Trouble;
}

function asJson(grant: Grant, { genuine, record, trouble }: Found): object {
  const { path, perms, expires, ...rest } = grant;
  const said = {
    ...rest,
    path: `/${path}`,
    perms: formatPerms(perms),
    expires: new Date(expires).toISOString(),
  };
  const used = record === null ? {} : {
    used: { uses: record.uses, bytes: record.bytes },
    revoked: record.revoked === null ? null : new Date(record.revoked).toISOString(),
  };
  return { ...said, genuine, ...used, trouble };
}

function asText(grant: Grant, { genuine, record, trouble }: Found): string {
  const { id, path, perms, expires, user, uses, bytes, sha256, link, host } = grant;
  const used = (count: string | number | undefined) => record === null ? "" : `, ${count} used`;
  const rows: [string, string | undefined][] = [
    ["id", id],
    ["allows", `${formatPerms(perms)} at /${quote(path)}${path === "" ? "" : " and below"}`],
    [
      "as",
      user === undefined ? undefined : user === null ? "nobody in particular" : `the user ${quote(user)}`,
    ],
    ["until", formatTime(new Date(expires))],
    ["uses", uses === undefined ? undefined : `${uses}${used(record?.uses)}`],
    [
      "bytes",
      bytes === undefined ? undefined : `${formatBytes(bytes)}${used(formatBytes(record?.bytes ?? 0))}`,
    ],
    ["content", sha256 === undefined ? undefined : `sha256:${sha256}`],
    ["link", link === true ? "yes, and nothing else" : undefined],
    ["host", host],
    [
      "signature",
      genuine === null ? "not looked at: give --token-key" : genuine ? "right" : "of another key",
    ],
    ["account", genuine && record === null ? "none here: give the server's --state-dir" : undefined],
    ["holds", trouble === null ? genuine ? "yes" : undefined : `no: ${trouble}`],
  ];
  return rows.map(([name, value]) => value === undefined ? "" : `${name.padEnd(11)}${value}\n`).join("");
}
