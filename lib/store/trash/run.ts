/** What one run keeps: `<time>/` in the trash, with the folders of the destination that old versions came from. */
import { baseName, joinRoot, parentPath, RESERVED_NAME } from "../../core/paths.ts";
import { isTaken, type OldVersion } from "./old_version.ts";
import { isThere } from "../quiet.ts";
import { setTime } from "../times.ts";
import { ENTRY_BYTES, timeName, writeSize } from "./times.ts";

/** Longer paths are kept under a number: they might not be paths any more below the trash. */
const MAX_PATH_BYTES = 3500;

/** The folder of `<time>` for those; nothing else can have this name. */
const NUMBERED = RESERVED_NAME;

/** Where the trash is. */
export interface TrashRunOptions {
  /** The folder of the trash, which need not be there. */
  dir: string;
  /** The path by which the trash knows the destination; empty by default. */
  prefix?: string;
  /** Told of each folder of the trash whose entries change. */
  touched?: (folder: string) => void;
}

/** One run's part of the trash. Paths that are given are those of the destination. */
export class TrashRun {
  readonly #root: string;
  readonly #dir: string;
  readonly #prefix: string;
  readonly #touched: (folder: string) => void;
  #path: string | undefined;
  #bytes = 0;
  #numbered = 0;
  /** Folders made below `#path`, with the mode and time of what they stand for; null where that is not known. */
  readonly #folders = new Map<string, { mode: number; mtime: number } | null>();

  /** For the destination `root`, a real path. */
  constructor(root: string, options: TrashRunOptions) {
    this.#root = root;
    this.#dir = options.dir;
    this.#prefix = options.prefix ?? "";
    this.#touched = options.touched ?? (() => {});
  }

  /** Where it is, absolute; undefined before anything is kept. */
  get path(): string | undefined {
    return this.#path;
  }

  /** How much is kept, an entry counting as `ENTRY_BYTES` and its content. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Calls `keep` with a place for `old` that is free. Throws what the system says. */
  put(old: OldVersion, keep: (target: string) => void): void {
    this.#place(old, keep);
    this.#bytes += old.size + ENTRY_BYTES;
  }

  #place(old: OldVersion, keep: (target: string) => void): void {
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
          if (gone && attempt === 1) this.forget();
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

  /** Makes the folder that stands for the one at `path`. Throws what the system says. */
  folder(path: string): void {
    const inTrash = this.#inTrash(path);
    this.#bytes += ENTRY_BYTES;
    if (byteLength(inTrash) <= MAX_PATH_BYTES) this.#makeFolder(inTrash, path);
  }

  /** Begins anew: what was kept so far was given up. */
  forget(): void {
    this.#path = undefined;
    this.#bytes = 0;
    this.#folders.clear();
  }

  /** Ends it: its folders get their modes and times, and its size is noted. Never throws. */
  close(): void {
    if (this.#path === undefined) return;
    for (const [path, meta] of [...this.#folders].reverse()) {
      if (meta === null) continue;
      try {
        setTime(path, meta.mtime);
        Deno.chmodSync(path, meta.mode);
      } catch {
        // Given up meanwhile.
      }
    }
    writeSize(this.#path, this.#bytes);
    this.forget();
  }

  #inTrash(path: string): string {
    return this.#prefix === "" ? path : path === "" ? this.#prefix : `${this.#prefix}/${path}`;
  }

  #base(): string {
    if (this.#path !== undefined) return this.#path;
    Deno.mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
    for (let attempt = 0;; attempt++) {
      const path = `${this.#dir}/${timeName(Date.now(), attempt)}`;
      try {
        Deno.mkdirSync(path, { mode: 0o700 });
        return this.#path = path;
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
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
