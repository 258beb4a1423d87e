/** Which folders of an index are watched, and by which number. */
import { statfsSync } from "node:fs";
import type { Folder } from "./folder.ts";
import { Inotify } from "./inotify.ts";

/** File systems whose changes all pass through this kernel: ext, xfs, btrfs, tmpfs, f2fs, zfs, overlay, bcachefs. */
const LOCAL_FILE_SYSTEMS = new Set([
  0xef53,
  0x58465342,
  0x9123683e,
  0x01021994,
  0xf2f52010,
  0x2fc12fc1,
  0x794c7630,
  0xca451a4e,
]);

/** Whether all changes below `root` pass through this kernel and it can tell of them, as far as can be known. */
export function canWatch(root: string): boolean {
  try {
    return Deno.build.os === "linux" && LOCAL_FILE_SYSTEMS.has(Number(statfsSync(root).type) >>> 0);
  } catch {
    return false;
  }
}

/** What became of a folder that was to be watched. */
export type Watched =
  | {
    kind: "watched"; /** The folder that the kernel knew under this number, if another: it has moved. */
    moved?: Folder;
  }
  | { kind: "limit" }
  | { kind: "failed" };

/** The watches of this process on the folders of one share. */
export class Watches implements Disposable {
  readonly #inotify: Inotify;
  readonly #folders = new Map<number, Folder>();

  private constructor(inotify: Inotify) {
    this.#inotify = inotify;
  }

  /** Null where the kernel cannot be asked. */
  static open(): Watches | null {
    const inotify = Inotify.open();
    return inotify === null ? null : new Watches(inotify);
  }

  /** Watches `folder`, which is at the absolute path `full`. */
  add(folder: Folder, full: string): Watched {
    if (folder.wd !== -1) return { kind: "watched" };
    const wd = this.#inotify.add(full);
    if (typeof wd !== "number") return { kind: wd };
    // The same folder under another path: moved a moment ago, or mounted twice.
    const moved = this.#folders.get(wd);
    if (moved !== undefined) moved.wd = -1;
    folder.wd = wd;
    this.#folders.set(wd, folder);
    return { kind: "watched", moved };
  }

  /** Ends the watch of `folder`, if it has one. */
  remove(folder: Folder): void {
    if (folder.wd === -1) return;
    this.#inotify.remove(folder.wd);
    this.#forget(folder);
  }

  /**
   * Tells of every folder that something has happened to since: to the entry of that name, no folder, or to what it
   * takes a whole look to see. False when it may have happened to any.
   */
  drain(onChange: (folder: Folder, name: string | null) => void): boolean {
    return this.#inotify.drain((wd, event, name) => {
      const folder = this.#folders.get(wd);
      if (folder === undefined) return;
      onChange(folder, name);
      if (event === "ended") this.#forget(folder);
    });
  }

  #forget(folder: Folder): void {
    this.#folders.delete(folder.wd);
    folder.wd = -1;
  }

  [Symbol.dispose](): void {
    this.#inotify[Symbol.dispose]();
  }
}
