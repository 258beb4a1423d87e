/**
 * The trash: what a run deletes or replaces, as `<time>/PATH` below `.ferry/trash/` or a folder of the user's choice, for
 * seven days and up to a tenth of the free space. It gives way: when there is no room for it, or the disk is full, old
 * versions go, the oldest first, and the run goes on.
 */
import * as fs from "node:fs";
import { FerryError, osCode, osReason } from "../core/errors.ts";
import { baseName, joinRoot, parentPath, RESERVED_NAME } from "../core/paths.ts";
import { libc } from "./libc.ts";
import { syncNow } from "./stage.ts";
import { setTime } from "./times.ts";
import { freeSpace, listTimes, SHARE, type Time, timeName, writeSize } from "./trash_times.ts";
import { isThere, removeQuietly } from "./quiet.ts";

/** What an entry counts besides its content. */
const ENTRY_BYTES = 1024;

/** Longer paths are kept under a number: they might not be paths any more below the trash. */
const MAX_PATH_BYTES = 3500;

/** The folder of `<time>` for those; nothing else can have this name. */
const NUMBERED = RESERVED_NAME;

/** So often the free space is looked at, in entries. */
const LOOK_EVERY = 256;

/** What is at a path before it goes. */
export interface Old {
  /** Where it is, absolute. */
  full: string;
  /** What it is called below the destination. */
  path: string;
  size: number;
}

export interface TrashOptions {
  /** The folder of the trash, which need not be there. */
  dir: string;
  /** The path by which the trash knows the destination; empty by default. */
  prefix?: string;
  /** Wait for the disk where a copy has to be made. */
  sync?: boolean;
  /** Told of each folder of the trash whose entries change. */
  touched?: (folder: string) => void;
}

export class Trash {
  readonly #dir: string;
  readonly #root: string;
  readonly #prefix: string;
  readonly #sync: boolean;
  readonly #touched: (folder: string) => void;
  /** What this run keeps lies in it; made when there is something. */
  #time: string | undefined;
  #bytes = 0;
  #entries = 0;
  #numbered = 0;
  #others: Time[] | undefined;
  #room = 0;
  /** There is no room for it any more. */
  #off = false;
  /** Folders made below `#time`, with the mode and time of what they stand for; null where that is not known. */
  readonly #folders = new Map<string, { mode: number; mtime: number } | null>();

  /** For the destination `root`, a real path. */
  constructor(root: string, options: TrashOptions) {
    this.#root = root;
    this.#dir = options.dir;
    this.#prefix = options.prefix ?? "";
    this.#sync = options.sync ?? false;
    this.#touched = options.touched ?? (() => {});
  }

  /**
   * Keeps what is at a path besides leaving it there, until something takes its place. Throws `write_failed` when it can
   * neither be kept nor given up.
   */
  copy(old: Old): void {
    this.#keep(old, (target) => {
      try {
        Deno.linkSync(old.full, target);
      } catch (error) {
        if (!mayBeCopied(error)) throw error;
        copyOver(old.full, target, this.#sync);
      }
    });
  }

  /** Takes a file or link away. False when it is not kept: it is still there then. */
  take(old: Old): boolean {
    return this.#keep(old, (target) => {
      try {
        if (libc()?.renameNew(old.full, target)) return;
        if (isThere(target)) throw new Deno.errors.AlreadyExists();
        Deno.renameSync(old.full, target);
      } catch (error) {
        if (osCode(error) !== "EXDEV") throw error;
        copyOver(old.full, target, this.#sync);
        Deno.removeSync(old.full);
      }
    });
  }

  /** Notes a folder that is about to be removed, empty by now. */
  folder(path: string): void {
    if (!this.#hasRoom(0)) return;
    try {
      this.#entries++;
      this.#bytes += ENTRY_BYTES;
      if (byteLength(path) <= MAX_PATH_BYTES) this.#makeFolder(this.#inTrash(path), path);
    } catch {
      // An empty folder is no loss that a run should stop for.
    }
  }

  /** Sees that so many bytes fit on the disk of the destination, as far as the trash can give room for them. */
  makeRoom(bytes: number): void {
    while (freeSpace(this.#root) < bytes && this.release());
  }

  /** Gives room on the disk of the destination: the oldest of what is kept. False when there is nothing to give. */
  release(): boolean {
    if (!this.#sameDisk()) return false;
    const gave = this.#drop();
    // What comes from now on would be in the way at once.
    this.#off = true;
    return gave;
  }

  /** Ends the run: folders in the trash get their modes and times, and its size is noted. */
  close(): void {
    if (this.#time === undefined) return;
    for (const [path, meta] of [...this.#folders].reverse()) {
      if (meta === null) continue;
      try {
        setTime(path, meta.mtime);
        Deno.chmodSync(path, meta.mode);
      } catch {
        // Given up meanwhile.
      }
    }
    writeSize(this.#time, this.#bytes);
    this.#time = undefined;
  }

  #keep(old: Old, keep: (target: string) => void): boolean {
    if (!this.#hasRoom(old.size)) return false;
    try {
      this.#into(old, keep);
    } catch (error) {
      const code = osCode(error);
      if (code === "ENOSPC" || code === "EDQUOT") {
        this.#off = true;
        return false;
      }
      throw new FerryError(
        "write_failed",
        `its old version cannot be kept in the trash (${osReason(error)}); left as it is; see --trash`,
        { cause: error },
      );
    }
    this.#entries++;
    this.#bytes += old.size + ENTRY_BYTES;
    return true;
  }

  /** Does `keep` with a place in the trash that is free. */
  #into(old: Old, keep: (target: string) => void): void {
    const path = this.#inTrash(old.path);
    if (byteLength(path) <= MAX_PATH_BYTES) {
      for (let attempt = 1; attempt <= 2; attempt++) {
        try {
          this.#makeFolder(parentPath(path), parentPath(old.path));
          const target = `${this.#base()}/${path}`;
          keep(target);
          return this.#touched(parentPath(target));
        } catch (error) {
          // Another run may have given it up; then once more, from the start.
          const gone = error instanceof Deno.errors.NotFound && isThere(old.full);
          if (gone && attempt === 1) this.#forget();
          else if (gone || !isTaken(error)) throw error;
          else break;
        }
      }
    }
    // Something of that name is there already, or the path is too long.
    const number = `${this.#base()}/${NUMBERED}/${this.#numbered++}`;
    Deno.mkdirSync(number, { recursive: true, mode: 0o700 });
    keep(`${number}/${baseName(path)}`);
    Deno.writeTextFileSync(`${number}.path`, path);
    this.#touched(number);
  }

  #inTrash(path: string): string {
    return this.#prefix === "" ? path : path === "" ? this.#prefix : `${this.#prefix}/${path}`;
  }

  /** The folder of this run, made once. */
  #base(): string {
    if (this.#time !== undefined) return this.#time;
    Deno.mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
    for (let attempt = 0;; attempt++) {
      const path = `${this.#dir}/${timeName(Date.now(), attempt)}`;
      try {
        Deno.mkdirSync(path, { mode: 0o700 });
        return this.#time = path;
      } catch (error) {
        if (!(error instanceof Deno.errors.AlreadyExists) || attempt === 100) throw error;
      }
    }
  }

  /** Makes the folder `path` of the trash, which stands for `original` of the destination, and those above it. */
  #makeFolder(path: string, original: string): void {
    const base = this.#base();
    const full = path === "" ? base : `${base}/${path}`;
    if (path === "" || this.#folders.has(full)) return;
    this.#makeFolder(parentPath(path), parentPath(original));
    const meta = this.#metaOf(original);
    try {
      Deno.mkdirSync(full, { mode: 0o700 });
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists) || !Deno.lstatSync(full).isDirectory) throw error;
    }
    this.#folders.set(full, meta);
  }

  #metaOf(original: string): { mode: number; mtime: number } | null {
    if (original === "") return null;
    try {
      const { mode, mtime } = Deno.lstatSync(joinRoot(this.#root, original));
      return { mode: (mode ?? 0o700) & 0o777, mtime: mtime?.getTime() ?? 0 };
    } catch {
      return null;
    }
  }

  #forget(): void {
    this.#time = undefined;
    this.#folders.clear();
    this.#bytes = 0;
  }

  /** Whether there is room for so many bytes more, made if need be by giving up what is older. */
  #hasRoom(size: number): boolean {
    if (this.#off) return false;
    if (this.#others === undefined || this.#entries % LOOK_EVERY === 0) {
      this.#others ??= listTimes(this.#dir);
      this.#room = freeSpace(this.#dir, parentPath(this.#dir), this.#root) / SHARE;
    }
    const wanted = this.#bytes + size + ENTRY_BYTES;
    if (wanted > this.#room) return false;
    while (wanted + total(this.#others) > this.#room) this.#others.shift()!.remove();
    return true;
  }

  /** Gives up the oldest; false when there is nothing. */
  #drop(): boolean {
    this.#others ??= listTimes(this.#dir, this.#time);
    const oldest = this.#others.shift();
    if (oldest !== undefined) {
      oldest.remove();
      return true;
    }
    if (this.#time === undefined) return false;
    const own = listTimes(this.#dir).find(({ path }) => path === this.#time);
    own?.remove();
    this.#forget();
    return own !== undefined;
  }

  #sameDisk(): boolean {
    try {
      return Deno.statSync(this.#dir).dev === Deno.statSync(this.#root).dev;
    } catch {
      return false;
    }
  }
}

function total(times: readonly Time[]): number {
  return times.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** A copy of a file or link with its mode and time; nothing is left of one that fails. */
function copyOver(from: string, to: string, sync: boolean): void {
  const info = Deno.lstatSync(from);
  try {
    if (info.isSymlink) {
      Deno.symlinkSync(Deno.readLinkSync(from), to);
    } else {
      fs.copyFileSync(from, to, fs.constants.COPYFILE_EXCL);
      if (info.mtime) Deno.utimeSync(to, info.mtime, info.mtime);
      if (sync) syncNow(to);
      Deno.chmodSync(to, (info.mode ?? 0o600) & 0o777);
    }
  } catch (error) {
    if (!isTaken(error)) removeQuietly(to);
    throw error;
  }
}

/** Whether a hard link failed for a reason that a copy does not have. */
function mayBeCopied(error: unknown): boolean {
  return !isTaken(error) && !(error instanceof Deno.errors.NotFound) && osCode(error) !== "ENOSPC" &&
    osCode(error) !== "EDQUOT";
}

/** Whether something is in the way of a name. */
function isTaken(error: unknown): boolean {
  return error instanceof Deno.errors.AlreadyExists || osCode(error) === "EEXIST" ||
    osCode(error) === "ENOTDIR" || error instanceof Deno.errors.NotADirectory;
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
