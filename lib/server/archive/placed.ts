/** Which folders of a share are where in an archive, so that links between them can stay links. */
import { isWithin, parentPath } from "../../core/paths.ts";
import { innerPath } from "../../store/root.ts";
import type { Exchange } from "../share.ts";

/** Folders that are in an archive with all that a user may read below them. */
export class Placed {
  readonly #place: Pick<Exchange, "access" | "share" | "mounted">;
  readonly #folders = new Map<string, string>();

  constructor(place: Pick<Exchange, "access" | "share" | "mounted">) {
    this.#place = place;
  }

  /** Notes that the folder at the real path `real` is `path` in the archive. */
  add(real: string, path: string): void {
    this.#folders.set(real, path);
  }

  /** What the folder at the real path `real` is in the archive; null where it is none that was added. */
  at(real: string): string | null {
    return this.#folders.get(real) ?? null;
  }

  /** What the real path `real` is in the archive; null where it is not in it. */
  find(real: string): string | null {
    const { access, share: { root } } = this.#place;
    for (let at = real; isWithin(at, root); at = parentPath(at)) {
      const path = this.#folders.get(at);
      if (path !== undefined) return path + real.slice(at.length);
      // What lies in a folder that may not be listed is not in the archive, even if it may be read itself.
      if (!access.can("r", innerPath(root, at))) return null;
    }
    return null;
  }
}

/**
 * The way from the folder `from` to `to`, both paths in one archive.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(relativePath("a/b", "a/c/d"), "../c/d");
 * ```
 */
export function relativePath(from: string, to: string): string {
  const start = from.split("/");
  const end = to.split("/");
  let same = 0;
  while (same < start.length && same < end.length && start[same] === end[same]) same++;
  return [...start.slice(same).map(() => ".."), ...end.slice(same)].join("/") || ".";
}
