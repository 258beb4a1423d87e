/**
 * `--links copy`: links are followed as long as they stay below the root, and what they lead to is taken for what they
 * are. A path then has two spellings: the one that the replica knows, and the real one, free of links, that is read.
 */
import { FerryError, osCode, osReason } from "../../core/errors.ts";
import type { Entry } from "../../core/entry.ts";
import { isWithin, joinRoot, RESERVED_NAME } from "../../core/paths.ts";
import { locate } from "../root.ts";

/** What a scan does with symbolic links: list them, or follow those that stay below the root. */
export type Links = "keep" | "copy";

/** A folder on a scan's way, as it is really called. */
export interface RealFolder {
  /** Below the root. */
  path: string;
  /** The folders in which links were followed to come here. */
  via: readonly string[];
}

export const ROOT_FOLDER: RealFolder = { path: "", via: [] };

/** What a followed link leads to. */
export interface Followed {
  folder: RealFolder;
  /** What is there, never a link. */
  info: Deno.FileInfo;
}

/**
 * Follows the link at the real path `path` in folder `from`. Gives a problem for what leads out of the root, into
 * Ferry's own state, to nothing, or back to a folder that is on the way already.
 */
export function followLink(
  root: string,
  from: RealFolder,
  path: string,
): Followed | Entry & { kind: "problem" } {
  let target: string | null;
  try {
    target = below(root, Deno.realPathSync(joinRoot(root, path)));
    if (target === null) return badLink("it leads out of the folder");
    const info = Deno.lstatSync(joinRoot(root, target));
    const via = [...from.via, from.path];
    if (info.isDirectory && via.some((folder) => isWithin(folder, target!))) {
      return badLink("it leads back to a folder that it lies in");
    }
    return { folder: { path: target, via }, info };
  } catch (error) {
    const code = osCode(error);
    if (error instanceof Deno.errors.NotFound || code === "ENOTDIR") return badLink("it leads to nothing");
    if (code === "ELOOP" || error instanceof Deno.errors.FilesystemLoop) {
      return badLink("it leads in a circle");
    }
    return { kind: "problem", code: "unreadable", message: `cannot follow the link: ${osReason(error)}` };
  }
}

function badLink(message: string): Entry & { kind: "problem" } {
  return { kind: "problem", code: "bad_link", message };
}

/** The real path, below `root`, that `path` leads to through links. Null when it leads to nothing there. */
export function throughLinks(root: string, path: string): string | null {
  try {
    const { real, info } = locate(root, path);
    return info === null ? null : below(root, real);
  } catch (error) {
    if (error instanceof FerryError) return null;
    throw error;
  }
}

/** The real path `real` as a path below `root`; null for what lies elsewhere or is Ferry's own. */
function below(root: string, real: string): string | null {
  if (real === root) return "";
  const prefix = root === "/" ? "/" : root + "/";
  if (!real.startsWith(prefix)) return null;
  const path = real.slice(prefix.length);
  return path.split("/").includes(RESERVED_NAME) ? null : path;
}
