/** `ferry request --recursive`: flags and URLs to mirrors, loaded only for them. */
import type { Io } from "../lib/cli/io.ts";
import { FerryError, quote } from "../lib/core/errors.ts";
import { FoundJobs } from "../lib/client/recursive/found_jobs.ts";
import { ListingSource } from "../lib/client/recursive/listing_source.ts";
import { LocalTree, type Look } from "../lib/client/recursive/local_tree.ts";
import { folderUrl, Mirror, summaryOf } from "../lib/client/recursive/mirror.ts";
import { DEFAULT_DEPTH, type WalkTools } from "../lib/client/recursive/walk.ts";
import { remoteName } from "../lib/client/remote_name.ts";
import type { RequestRun } from "../lib/client/request_run.ts";
import { parseTarget } from "../lib/client/target.ts";
import type { RequestFlags } from "./request_flags.ts";

/** Flags about one body, or about what is sent: a mirror has many, and sends nothing. */
const NOT_WITH = [
  "input",
  "output",
  "remote-name",
  "remote-header-name",
  "head",
  "show-headers",
  "range",
  "data",
  "data-json",
  "form",
  "upload",
  "checksum",
  "if-newer",
] as const satisfies readonly (keyof RequestFlags)[];

const MOST_FOLDERS = 10_000;

/** Throws `usage` for flags that cannot go with `--recursive`. */
export function checkRecursive(flags: RequestFlags, method: string, count: number): void {
  const given = NOT_WITH.find((name) => {
    const value = flags[name];
    return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false;
  });
  if (given !== undefined) throw new FerryError("usage", `--${given} cannot go with --recursive`);
  if (method !== "GET") throw new FerryError("usage", `--recursive goes with GET, not with ${method}`);
  if (!flags.fail || !flags.location) {
    const flag = flags.fail ? "--no-location" : "--no-fail";
    throw new FerryError(
      "usage",
      `${flag} cannot go with --recursive: what is no file would be taken for one`,
    );
  }
  if (flags.overwrite === false) throw new FerryError("usage", "--no-overwrite cannot go with --recursive");
  if (count > MOST_FOLDERS) throw new FerryError("usage", `--recursive takes at most ${MOST_FOLDERS} URLs`);
  if (count > 1 && flags["output-dir"] !== undefined) {
    throw new FerryError(
      "usage",
      `--recursive with --output-dir takes one URL, not ${count}: their files would fall together`,
    );
  }
}

/** Mirrors the folders at `targets`, one after the other; gives the exit status of the worst. */
export async function mirrorAll(
  { flags, targets, run }: { flags: RequestFlags; targets: readonly string[]; run: RequestRun },
  io: Io,
): Promise<number> {
  const hides = await filterOf(flags);
  const { libc } = await import("../lib/store/libc.ts");
  const calls = libc();
  // Without the errors that the runtime makes of what is not there.
  const look: Look | undefined = calls === null ? undefined : (path) => calls.statAt(path);
  const mirrors = targets.map((target) => mirrorOf(target, { flags, run, hides, look }));
  const paths = mirrors.map(({ tools }) => tools.local.root);
  const twice = paths.find((path, at) => paths.indexOf(path) !== at);
  if (twice !== undefined) {
    throw new FerryError("usage", `two URLs would both go into ${quote(twice)}; request them one by one`);
  }
  let exit: number;
  try {
    exit = await run.all(new FoundJobs(mirrors));
  } finally {
    for (const mirror of mirrors) mirror.close();
  }
  if (!run.settings.quiet) io.err(`ferry: ${summaryOf(mirrors)}\n`);
  return exit;
}

interface MirrorParts {
  flags: RequestFlags;
  run: RequestRun;
  hides: WalkTools["hides"];
  look: Look | undefined;
}

function mirrorOf(target: string, { flags, run, hides, look }: MirrorParts): Mirror {
  const { url, user } = parseTarget(target);
  const root = folderUrl(url);
  const source = new ListingSource(run.toolsFor(root, user));
  const plan = {
    root,
    userinfo: /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*@)/i.exec(target)?.[1] ?? "",
    depth: flags.depth ?? DEFAULT_DEPTH,
  };
  const local = new LocalTree(localRoot(root, flags["output-dir"]), look);
  return new Mirror(plan, { read: (folder) => source.read(folder), local, hides });
}

/** The folder that is named, or one named as the URL's path ends, or as its host. */
function localRoot(root: URL, dir: string | undefined): string {
  if (dir !== undefined) return dir === "/" ? dir : dir.replace(/\/+$/, "");
  const bare = new URL(root);
  bare.pathname = root.pathname === "/"
    ? `/${root.hostname.replace(/[[\]]/g, "")}`
    : root.pathname.slice(0, -1);
  return remoteName(bare);
}

async function filterOf(flags: RequestFlags): Promise<WalkTools["hides"]> {
  const { include, exclude } = flags;
  if (include.length === 0 && exclude.length === 0) return undefined;
  const { readFilterFlags } = await import("../lib/sync/filter_flags.ts");
  const { Filter } = await import("../lib/sync/filter.ts");
  const filter = new Filter(readFilterFlags({ include, exclude, from: [] }));
  return (path, kind) =>
    filter.hides(path, kind === "dir" ? { kind, mtime: 0, mode: 0 } : { kind, size: 0, mtime: 0, mode: 0 });
}
