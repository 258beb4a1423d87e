/** Files that nobody may reach by way of a server. */
import { FerryError, quote } from "../core/errors.ts";
import { isWithin, joinRoot, RESERVED_NAME } from "../core/paths.ts";
import { realOrFuture } from "../store/root.ts";

/** A file, or one that will be made. */
export interface PrivateFile {
  /** The flag that led to it. */
  flag: string;
  /** What it is: "the key", say. */
  what: string;
  path: string;
  /** What to do. */
  hint: string;
}

/**
 * Throws `usage` when the file lies in one of the folders `roots` (real paths) that are served: whoever may read or
 * write them could take or change it. What is in `.ferry` of a folder is never served.
 */
export function demandPrivate({ flag, what, path, hint }: PrivateFile, roots: readonly string[]): void {
  const real = realOrFuture(path);
  if (real === null) return;
  for (const root of roots) {
    if (!isWithin(real, root === "/" ? "" : root) || isWithin(real, joinRoot(root, RESERVED_NAME))) continue;
    throw new FerryError(
      "usage",
      `${flag}: ${what} ${quote(path)} would lie in the shared folder ${quote(root)}, ` +
        `for everybody who may use it; ${hint}`,
    );
  }
}
