/** What a call that reads reaches: which paths below its folder, and where they really are. */
import { FerryError } from "../../core/errors.ts";
import type { ProblemCode } from "../../core/entry.ts";
import { childPath } from "../../core/paths.ts";
import { type Links, throughLinks } from "../../store/read/links.ts";
import { type Call, existingFolder, require } from "./call.ts";
import { innerPath } from "../../store/root.ts";

export interface Reach {
  /** The folder of the call, a real path. */
  folder: string;
  links: Links;
  /** Which paths below the folder may be read, where not all of them may. */
  visible: ((path: string) => boolean) | undefined;
}

/** The reach of `call`. Throws FerryErrors for refusals. */
export function reachOf(call: Call): Reach {
  const { access, base, query, root } = call;
  require(call, "r", base);
  const links = query.get("links") ?? "keep";
  if (links !== "keep" && links !== "copy") throw new FerryError("bad_request", "links are kept or copied");
  const folder = existingFolder(call, "r");
  // A link may have led to the folder: what holds there counts as well.
  const bases = new Set([base, innerPath(root, folder)]);
  // With no rule below, the folder's own permission speaks for all that is in it.
  const visible = [...bases].every((base) => access.canDeep("r", base))
    ? undefined
    : (path: string) => [...bases].every((base) => access.can("r", childPath(base, path)));
  return { folder, links, visible };
}

/** The real path below the folder of the file `path`; throws what one frame says of it. */
export function realPath({ folder, links, visible }: Reach, path: string): string {
  const real = links === "copy" ? throughLinks(folder, path) : path;
  if (visible && !(visible(path) && (real === null || visible(real)))) {
    throw new Unreachable("forbidden", "this user may not read it");
  }
  if (real === null) throw new Unreachable("vanished", "it vanished before it was read");
  return real;
}

/** Why a file is not given. */
export class Unreachable extends Error {
  constructor(readonly code: ProblemCode, message: string) {
    super(message);
  }
}
