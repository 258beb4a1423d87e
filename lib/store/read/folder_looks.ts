/** Looking at the entries of large folders: by the system's library, where it can be called, in half the time. */
import { joinRoot } from "../../core/paths.ts";
import { libc } from "../libc.ts";

/** What a look tells, as `Deno.lstatSync` would. */
export type EntryInfo = Pick<
  Deno.FileInfo,
  "isFile" | "isDirectory" | "isSymlink" | "size" | "mtime" | "birthtime" | "mode" | "ino" | "dev"
>;

/** Looks at one folder after the other. It holds the last one open until it is told to `rest`. */
export class FolderLooks {
  readonly #libc = libc();
  #folder = "";
  #open = -1;

  /** The names in the folder at `path`, absolute and real, in no order. Throws what `Deno.readDirSync` throws. */
  names(path: string): string[] {
    return this.#libc?.names(path) ?? Array.from(Deno.readDirSync(path), ({ name }) => name);
  }

  /** What `name` is in the folder at `path`; a link is itself. Throws what `Deno.lstatSync` throws. */
  at(path: string, name: string): EntryInfo {
    if (this.#libc !== null && path !== this.#folder) {
      this.rest();
      this.#open = this.#libc.openFolder(path);
      this.#folder = path;
    }
    const info = this.#open < 0 ? null : this.#libc?.infoIn(this.#open, name);
    return info ?? Deno.lstatSync(joinRoot(path, name));
  }

  /** Holds nothing open, until the next look. */
  rest(): void {
    if (this.#open >= 0) this.#libc?.close(this.#open);
    this.#open = -1;
    this.#folder = "";
  }
}
