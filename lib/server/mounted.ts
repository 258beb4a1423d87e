/** Where a share is in the URL space of its server, and which other shares lie in it, as one request sees them. */
import { childPath, isWithin, toUrlPath } from "../core/paths.ts";
import { findMount, type Mount, mountNames } from "./mounts.ts";

/** The folder of a share. */
export interface ShareFolder {
  real: string;
  info: Deno.FileInfo;
}

/** A folder that leads to other shares, shown as the folder of the one of them that changed last. */
export interface MountFolder extends ShareFolder {
  name: string;
}

/** The folder of a share; null for one that this user may see nothing of, or that is gone. */
export type SeeMount<M extends Mount> = (mount: M) => ShareFolder | null;

/** The place of a share. */
export class Mounted {
  /** A share that has the URL space to itself. */
  static readonly ALONE = new Mounted({ hosts: [], path: "" }, [], () => null);

  readonly #path: string;
  readonly #own: Mount;
  readonly #mounts: readonly Mount[];
  readonly #see: SeeMount<Mount>;

  /** `mounts` are all of the request's host, as `Mounts.of` gives them, or none where there is only `own`. */
  constructor(own: Mount, mounts: readonly Mount[], see: SeeMount<Mount>) {
    this.#path = own.path;
    this.#own = own;
    this.#mounts = mounts;
    this.#see = see;
  }

  /** The path on the server of what is at `path` of the share. */
  pathOf(path: string): string {
    if (path === "") return this.#path;
    return childPath(this.#path, path);
  }

  /** The URL path of what is at `path` of the share, encoded, with a slash at its end when `slash`. */
  urlOf(path: string, slash = false): string {
    return toUrlPath(this.pathOf(path), slash);
  }

  /** The part of a raw URL path that is the share's; null when it leads to another one, or to none. */
  inside(raw: string): string | null {
    if (this.#mounts.length === 0) return raw;
    const found = findMount(this.#mounts, raw);
    if (found?.mount !== this.#own) return null;
    return found.path === "" ? "/" : found.path;
  }

  /** Whether another share stands where the share has `path`: what the share itself has there is not served. */
  covers(path: string): boolean {
    return this.#mounts.length > 0 &&
      this.#mounts.some((mount) => mount !== this.#own && mount.path === this.pathOf(path));
  }

  /** The folders in the folder `path` of the share that lead to other shares. */
  folders(path: string): MountFolder[] {
    return this.#mounts.length === 0 ? [] : mountFolders(this.#mounts, this.pathOf(path), this.#see);
  }
}

/** The folders in the folder `path` of a server that lead to `mounts`, as far as their shares are seen. */
export function mountFolders<M extends Mount>(
  mounts: readonly M[],
  path: string,
  see: SeeMount<M>,
): MountFolder[] {
  const folders: MountFolder[] = [];
  for (const name of mountNames(mounts, path)) {
    const seen = mounts.filter((mount) => isWithin(mount.path, childPath(path, name))).map(see)
      .filter((folder) => folder !== null);
    if (seen.length > 0) folders.push({ name, ...seen.reduce(newer) });
  }
  return folders;
}

/** The one of two folders that changed last. */
export function newer(a: ShareFolder, b: ShareFolder): ShareFolder {
  return (b.info.mtime?.getTime() ?? 0) > (a.info.mtime?.getTime() ?? 0) ? b : a;
}
