/** Writes small files whole into folders of the stage: relative to open folders where the system's library is there. */
import type { FileFrame } from "../../wire/pack.ts";
import { type Libc, libc } from "../libc.ts";

/** Remembers the last folder that it wrote to, since files come folder by folder. */
export class SmallWriter {
  readonly #libc: Libc | null;
  readonly #umask = Deno.umask();
  #dir: string | null = null;
  #folder = -1;

  /** Without `calls` it writes nothing. */
  constructor(calls: Libc | null = libc()) {
    this.#libc = calls;
  }

  /**
   * Makes the file `full`, with its content, bits and time. False when that did not go well: nothing of it is there
   * then, and the ordinary way has to do it or to say why not.
   */
  write(full: string, frame: FileFrame): boolean {
    const calls = this.#libc;
    if (calls === null) return false;
    const slash = full.lastIndexOf("/");
    this.#enter(calls, full.slice(0, slash));
    if (this.#folder < 0) return false;
    const { content, mode, mtime } = frame;
    const file = calls.create(this.#folder, full.slice(slash + 1), mode);
    if (file < 0) return false;
    const written = calls.write(file, content as Uint8Array<ArrayBuffer>) &&
      ((mode & this.#umask) === 0 || calls.setMode(file, mode)) && calls.setTime(file, mtime);
    if (calls.close(file) && written) return true;
    Deno.removeSync(full);
    return false;
  }

  #enter(calls: Libc, dir: string): void {
    if (dir === this.#dir) return;
    this.close();
    this.#folder = calls.openFolder(dir);
    this.#dir = dir;
  }

  close(): void {
    if (this.#folder >= 0) this.#libc?.close(this.#folder);
    this.#folder = -1;
    this.#dir = null;
  }
}
