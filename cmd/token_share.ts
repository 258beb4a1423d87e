import { defineCommand } from "../lib/cli/command.ts";
import { parseSha256 } from "../lib/cli/units.ts";
import { parseTarget } from "../lib/client/target.ts";
import { FerryError, quote } from "../lib/core/errors.ts";
import { parseUrlPath, type UrlPath } from "../lib/core/paths.ts";
import { parsePerms } from "../lib/server/access.ts";
import { Capabilities } from "../lib/server/capability.ts";
import { formatLink } from "../lib/server/share_link.ts";
import { KEY_FLAG, keyOf, LIMIT_FLAGS, newGrant, tellMade } from "./token_flags.ts";

/** What the URL names on the server. Throws `bad_url` for what no server of Ferry's has. */
function pathOf({ href, pathname }: URL): UrlPath {
  try {
    return parseUrlPath(pathname);
  } catch (error) {
    throw new FerryError("bad_url", `${quote(href)}: ${(error as Error).message}`);
  }
}

const READ = parsePerms("r") ?? 0;

export const tokenShare = defineCommand({
  name: "token share",
  summary: "Make a link that opens one file or folder of a server, in any browser, without a login.",
  usage: ["token share --token-key FILE URL"],
  args: { min: 1, max: 1 },
  flags: {
    ...KEY_FLAG,
    expires: { type: "duration", value: "DUR", default: 7 * 24 * 60 * 60 * 1000, about: "how long it holds" },
    once: { type: "boolean", about: "for one download, the same as --uses 1" },
    checksum: {
      type: "string",
      value: "sha256:HEX",
      about: "only while the file has this content: whatever takes its name later is not shown",
    },
    ...LIMIT_FLAGS,
  },
  notes: [
    "URL is where the file or folder is on the server; that of a folder ends with a slash. Nothing beside it can be " +
    "reached by the link, nor can anything be changed. It needs no connection to make a link, only the server's key.",
    "A use is a request that was not refused. Programs that show previews of links use them up, too.",
  ],
  examples: [
    {
      run: "ferry token share --token-key /etc/ferry.key https://files.example/docs/report.pdf",
      about: "a link to one file, for a week",
    },
    {
      run: "ferry token share --token-key /etc/ferry.key --expires 1d https://files.example/photos/",
      about: "a link to a folder and all below it, for a day",
    },
  ],
  exits: [0, 2, 3],
  run({ flags, args }, io) {
    const key = keyOf(flags);
    const { url, user } = parseTarget(args[0]);
    if (user !== undefined || url.search !== "") {
      throw new FerryError("usage", "the URL of what is shared has neither a login nor a query");
    }
    const { path, slash } = pathOf(url);
    if (flags.once && flags.uses !== undefined) {
      throw new FerryError("usage", "--once and --uses cannot go together");
    }
    const sha256 = flags.checksum === undefined ? undefined : parseSha256(flags.checksum);
    if (sha256 === null) {
      throw new FerryError(
        "usage",
        `--checksum ${quote(flags.checksum ?? "")}: must be sha256: and 64 hexadecimal digits`,
      );
    }
    if (slash && (flags.once || sha256 !== undefined)) {
      const flag = flags.once ? "--once" : "--checksum";
      throw new FerryError("usage", `${flag} is for a file; a URL that ends with a slash is a folder`);
    }
    const uses = flags.once ? 1 : flags.uses;
    const grant = newGrant({ path, perms: READ }, { ...flags, uses });
    grant.link = true;
    grant.host = url.hostname;
    if (sha256 !== undefined) grant.sha256 = sha256;
    const text = url.origin + formatLink(new Capabilities(key).issue(grant), grant, slash);
    tellMade(io, { kind: "url", text, grant, perms: "r" }, flags);
    return Promise.resolve(0);
  },
});
