/** The shares that `ferry serve` was told of. */
import { FerryError, osReason, quote } from "../lib/core/errors.ts";
import { parseOrigin } from "../lib/http/cors.ts";
import type { Accounts } from "../lib/server/authenticate.ts";
import type { FileShare, ReadServeFile } from "../lib/server/config/serve_file.ts";
import { type Mount, TOP } from "../lib/server/mounts.ts";
import { isWritable, type ShareSettings } from "../lib/server/settings.ts";
import type { ShareRules } from "../lib/server/shares.ts";
import type { Told } from "./serve_told.ts";

/** The flags that say how a share is served. */
export interface ShareFlags {
  hidden: boolean;
  "follow-symlinks": string;
  index: string | undefined;
  spa: boolean;
  compress: boolean;
  precompressed: boolean;
  archive: boolean;
  "max-age": number | undefined;
  "max-upload": number | undefined;
  cors: string[];
}

interface ShareContext {
  /** The folder of the command line, if it names one. */
  dir: string | undefined;
  accounts: Accounts;
}

/** What is known of a share before a place is made for its state. */
export type CheckedShare = Omit<ShareSettings, "state">;

/** The shares: those of the file, else one at the top. Throws `usage`; what is wrong in the file is said to it. */
export async function readShares(told: Told<ShareFlags>, context: ShareContext): Promise<CheckedShare[]> {
  const { flags, file } = told;
  const shares = file?.value.shares;
  if (file === null || shares === undefined) {
    return [shareOf({ mount: TOP, root: realFolder(context.dir ?? ".") }, flags, context)];
  }
  if (context.dir !== undefined) {
    throw new FerryError(
      "usage",
      `${quote(context.dir)}: ${quote(file.path)} says what is shared; leave DIR, or its "shares", out`,
    );
  }
  if (shares.length === 0) file.say(["shares"], '"shares" must hold one share at least');
  return await fileShares(shares, { ...told, file }, context);
}

async function fileShares(
  shares: readonly FileShare[],
  { flags, given, file }: Told<ShareFlags> & { file: ReadServeFile },
  context: ShareContext,
): Promise<CheckedShare[]> {
  const { innerPath, overShareFlags } = await import("../lib/server/config/serve_file.ts");
  const { shareRules } = await import("../lib/server/config/file_rules.ts");
  const { shareProblems } = await import("../lib/server/config/share_problems.ts");
  const found: (Pick<ShareSettings, "mount" | "root" | "own"> & { share: FileShare; at: number })[] = [];
  for (const [at, share] of shares.entries()) {
    const { folder, path = "/", host = [] } = share;
    // Of a place that is not known nothing more can be said.
    const known = (key: "path" | "host") => share[key] !== undefined || !file.says(["shares", at, key]);
    if (folder === undefined || !known("path") || !known("host")) continue;
    const mount: Mount = {
      hosts: [host].flat().map((name) => name.toLowerCase().replace(/\.$/, "")),
      path: innerPath(path),
    };
    try {
      const own = shareRules(share);
      found.push({ mount, root: realFolder(folder), own: narrowed(own, given), share, at });
    } catch (error) {
      if (!(error instanceof FerryError)) throw error;
      file.say(["shares", at, "folder"], error.message);
    }
  }
  for (
    const { share, key, message } of shareProblems(found.map((each) => ({ ...each, number: each.at + 1 })))
  ) {
    file.say(["shares", found[share].at, key], message);
  }
  return found.map(({ share, ...place }) => shareOf(place, overShareFlags(flags, given, share), context));
}

/** What everybody may do by the command line holds in every share. */
function narrowed(own: ShareRules | undefined, given: ReadonlySet<string>): ShareRules | undefined {
  const told = given.has("anonymous") || given.has("writable");
  return told && own !== undefined ? { ...own, anonymous: undefined } : own;
}

function shareOf(
  { mount, root, own }: Pick<ShareSettings, "mount" | "root" | "own">,
  flags: ShareFlags,
  { accounts }: ShareContext,
): CheckedShare {
  return {
    mount,
    own,
    root,
    writable: isWritable(accounts, { mount, own }),
    hidden: flags.hidden,
    follow: flags["follow-symlinks"] === "none" ? "none" : "inside",
    index: flags.index,
    spa: flags.spa ? flags.index ?? "index.html" : undefined,
    compress: flags.compress,
    precompressed: flags.precompressed,
    archives: flags.archive,
    cacheControl: cacheControl(flags["max-age"]),
    maxUpload: flags["max-upload"],
    cors: originsOf(flags.cors),
  };
}

/** Checked origins as they are compared. */
export function originsOf(checked: readonly string[]): string[] {
  return checked.map((text) => parseOrigin(text)!);
}

/** What files say to caches that may use them for `ms`; undefined for what they say by themselves. */
function cacheControl(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : `max-age=${Math.floor(ms / 1000)}`;
}

/** The real path of a folder to share. */
function realFolder(dir: string): string {
  try {
    const root = Deno.realPathSync(dir);
    if (Deno.statSync(root).isDirectory) return root;
  } catch (error) {
    throw new FerryError("usage", `cannot share ${quote(dir)}: ${osReason(error)}; give an existing folder`);
  }
  throw new FerryError(
    "usage",
    `cannot share ${quote(dir)}: it is not a folder; give the folder that holds it`,
  );
}
