/** Reads the small files of one batch: relative to open folders where the system's library can be called, else by path. */
import { baseName, parentPath } from "../../core/paths.ts";
import type { ContentMeta } from "../../wire/stream.ts";
import { type Libc, libc } from "../libc.ts";
import { GROWN_FILE_BYTES, readSmall } from "./content.ts";
import { StrictPaths } from "../root.ts";

/**
 * Remembers the last folder that it has looked at, since files come folder by folder: use one for a batch that runs
 * without a pause, then a new one.
 */
export class SmallReader implements Disposable {
  readonly #paths: StrictPaths;
  readonly #libc: Libc | null;
  #root = -1;
  #dir: string | null = null;
  #folder = -1;

  /** `root` is a real path; without `calls` everything is read by path. */
  constructor(root: string, calls: Libc | null = libc()) {
    this.#paths = new StrictPaths(root);
    this.#libc = calls;
    if (calls !== null) this.#root = calls.openFolder(root);
  }

  /** Reads the file `path` into the buffer that `bufferOf(size)` gives. Throws ReadProblem. */
  read(path: string, bufferOf: (size: number) => Uint8Array<ArrayBuffer>): ContentMeta {
    return this.quick(path, bufferOf) ?? readSmall(this.#paths, path, bufferOf);
  }

  /** The same; null when something is not as it should be: the ordinary way tries again, or says what it is. */
  quick(path: string, bufferOf: (size: number) => Uint8Array<ArrayBuffer>): ContentMeta | null {
    const calls = this.#libc;
    if (calls === null || this.#root < 0) return null;
    const dir = parentPath(path);
    if (dir !== this.#dir) this.#enter(calls, dir);
    if (this.#folder < 0) return null;
    const file = calls.openRead(this.#folder, baseName(path));
    if (file < 0) return null;
    try {
      const before = calls.stat(file);
      if (before?.kind !== "file" || before.size > GROWN_FILE_BYTES) return null;
      const { size, mtime, mode, nanos } = before;
      if (calls.read(file, bufferOf(size)) !== size) return null;
      const after = calls.stat(file);
      const still = after?.size === size && after.mtime === mtime && after.nanos === nanos;
      return still ? { size, mtime, mode } : null;
    } finally {
      calls.close(file);
    }
  }

  #enter(calls: Libc, dir: string): void {
    if (this.#folder >= 0) calls.close(this.#folder);
    this.#folder = calls.openBelow(this.#root, dir);
    this.#dir = dir;
  }

  [Symbol.dispose](): void {
    for (const folder of [this.#folder, this.#root]) if (folder >= 0) this.#libc?.close(folder);
    this.#folder = this.#root = -1;
  }
}
