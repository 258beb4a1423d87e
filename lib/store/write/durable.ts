/**
 * What a run of writes has put into files and has yet to reach the disk. Contents are made durable in groups before
 * they take their places, names and the rest at the end. A group of many files goes to the disk by one call for the
 * whole file system, which costs a sixth of one call a file (docs/design.md, "Waiting for the disk").
 */
import { FerryError, osCode, osReason, quote } from "../../core/errors.ts";
import { libc } from "../libc.ts";

/** Files or folders up to this many are made durable one by one, not to wait for what other programs have written. */
const FEW = 16;

/** Calls to the disk under way at a time: its journal takes them together. */
const WIDTH = 16;

/** What is in memory only, of statfs(2). */
export const IN_MEMORY: ReadonlySet<number> = new Set([0x01021994, 0x858458f6]);

/**
 * File systems of which syncfs(2) writes out all: ext, XFS, Btrfs, F2FS, ZFS, bcachefs, overlayfs. Others, such as FUSE,
 * may answer without having done anything.
 */
const SYNCED_WHOLE: ReadonlySet<number> = new Set([
  0xef53,
  0x58465342,
  0x9123683e,
  0xf2f52010,
  0x2fc12fc1,
  0xca451a4e,
  0x794c7630,
]);

/** Makes files and folders durable; tests put their own in its place. */
export interface Disk {
  /** Everything on the file system of the folder. Null where that cannot be relied on. */
  readonly all: (() => Promise<void>) | null;
  /** One file or folder. What is gone needs nothing. */
  one(path: string): Promise<void>;
  close(): void;
}

/** What is not durable yet. */
export class Durable {
  readonly #disk: Disk;
  /** Contents that wait for their places. */
  #contents = new Set<string>();
  /** Those of them that are on their way to the disk. */
  readonly #underWay = new Set<string>();
  /** Folders whose entries changed, and what else changed in its place. */
  #touched = new Set<string>();
  /** More was touched than is worth to be named. */
  #many = false;
  #last: Promise<void> = Promise.resolve();

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** The content of the file `path` is written, and nobody knows it by its name yet. */
  wrote(path: string): void {
    this.#contents.add(path);
  }

  /** A file that was written is called `to` now. */
  moved(from: string, to: string): void {
    if (this.#contents.delete(from)) this.#contents.add(to);
  }

  /** A file that was written is not wanted any more. */
  dropped(path: string): void {
    this.#contents.delete(path);
  }

  /** The entries of a folder changed, or a mode or time. */
  touched(path: string): void {
    if (this.#many) return;
    this.#touched.add(path);
    if (this.#touched.size <= FEW || this.#disk.all === null) return;
    this.#many = true;
    this.#touched.clear();
  }

  /** Whether the content of `path` might not be on the disk. */
  waits(path: string): boolean {
    return this.#contents.has(path) || this.#underWay.has(path);
  }

  /** Waits until all that was written so far is on the disk. Throws `write_failed` when the disk fails. */
  async contents(): Promise<void> {
    if (this.#contents.size > 0) {
      const paths = this.#contents;
      this.#contents = new Set();
      for (const path of paths) this.#underWay.add(path);
      // After a failure nothing may take its place any more.
      this.#last = this.#last.then(async () => {
        await this.#sync(paths, paths.size > FEW);
        for (const path of paths) this.#underWay.delete(path);
      });
      this.#last.catch(() => {});
    }
    await this.#last;
  }

  /** Waits until everything is on the disk: contents, names, modes and times. Throws `write_failed`. */
  async all(): Promise<void> {
    await this.contents();
    const paths = this.#touched;
    this.#touched = new Set();
    const many = this.#many;
    this.#many = false;
    await this.#sync(paths, many);
  }

  async #sync(paths: ReadonlySet<string>, many: boolean): Promise<void> {
    if (many && this.#disk.all !== null) return await this.#disk.all();
    const left = paths.values();
    const work = async () => {
      for (const path of left) await this.#disk.one(path);
    };
    const done = await Promise.allSettled(Array.from({ length: Math.min(WIDTH, paths.size) }, work));
    for (const outcome of done) if (outcome.status === "rejected") throw outcome.reason;
  }

  close(): void {
    this.#disk.close();
  }
}

/** What is to become durable below `root`, a real path; null where there is no disk. */
export function durableFor(root: string): Durable | null {
  const disk = diskOf(root);
  return disk === null ? null : new Durable(disk);
}

/** What makes things below `root`, a real path, durable; null where there is no disk. */
function diskOf(root: string): Disk | null {
  const library = libc();
  const type = library?.fileSystemType(root) ?? null;
  if (type !== null && IN_MEMORY.has(type)) return null;
  // Open from the start: of what fails to be written from here on the system tells this handle.
  const handle = type !== null && SYNCED_WHOLE.has(type) ? library?.openFolder(root) ?? -1 : -1;
  const all = async () => {
    if (await library!.syncFileSystem(handle)) return;
    throw new FerryError("write_failed", `cannot write into ${quote(root)}: the disk did not take it`);
  };
  return {
    all: handle < 0 ? null : all,
    one: syncOne,
    close: () => void (handle >= 0 && library!.close(handle)),
  };
}

/** Whether the file system of the folder `path` is in memory, so that nothing in it will ever be on a disk. */
export function isInMemory(path: string): boolean {
  return IN_MEMORY.has(libc()?.fileSystemType(path) ?? 0);
}

/** Makes a file or folder durable. Throws `write_failed`, naming it. */
export async function syncOne(path: string): Promise<void> {
  try {
    using file = await openAnyhow(path);
    await file.sync();
  } catch (error) {
    // What went away since needs nothing; and not every file system has this for folders.
    if (error instanceof Deno.errors.NotFound || osCode(error) === "ENOTDIR") return;
    const invalid = osCode(error) === "EINVAL" || osReason(error) === "invalid argument";
    if (invalid && Deno.statSync(path).isDirectory) return;
    throw new FerryError("write_failed", `cannot write ${quote(path)} to the disk: ${osReason(error)}`, {
      cause: error,
    });
  }
}

/** Opens a file of one's own, also one that its owner may not read. */
async function openAnyhow(path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    const mode = (Deno.lstatSync(path).mode ?? 0) & 0o777;
    Deno.chmodSync(path, mode | 0o400);
    try {
      return await Deno.open(path);
    } finally {
      Deno.chmodSync(path, mode);
    }
  }
}
