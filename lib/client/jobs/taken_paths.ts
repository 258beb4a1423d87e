import { PathHashes } from "./path_hashes.ts";

/** So many folders are remembered. */
const FOLDERS = 1024;

/** The files of one call, so that none replaces another one: those that are there, and those under way. */
export class TakenPaths {
  readonly #underWay = new Set<string>();
  readonly #there = new PathHashes();
  /** What folders are really, both with a slash at the end. */
  readonly #folders = new Map<string, string>();

  /** Takes `path` for one URL; false when another one has it, by whatever name. */
  take(path: string): boolean {
    const real = this.#realPath(path);
    if (this.#underWay.has(real) || this.#there.has(real)) return false;
    this.#underWay.add(real);
    return true;
  }

  /** It is there, for good. */
  keep(path: string): void {
    const real = this.#realPath(path);
    this.#underWay.delete(real);
    this.#there.add(real);
  }

  /** It is not under way any more: another one may have it, unless it is there. */
  free(path: string): void {
    this.#underWay.delete(this.#realPath(path));
  }

  /** `path` with the links of its folder followed; a file may be there or not. */
  #realPath(path: string): string {
    const end = path.lastIndexOf("/") + 1;
    const folder = path.slice(0, end);
    let real = this.#folders.get(folder);
    if (real === undefined) {
      real = realFolder(folder);
      if (this.#folders.size === FOLDERS) this.#folders.clear();
      this.#folders.set(folder, real);
    }
    return real + path.slice(end);
  }
}

/** What `folder` is really; one that cannot be looked at is taken as it is written. */
function realFolder(folder: string): string {
  try {
    return `${Deno.realPathSync(folder || ".").replace(/\/$/, "")}/`;
  } catch {
    return folder;
  }
}
