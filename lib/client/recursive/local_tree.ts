/**
 * The folders and files here that a mirror writes to. No symbolic link below its root is followed: who serves the
 * mirrored folder shall not choose where files go.
 */
import { FerryError, quote, writeError } from "../../core/errors.ts";
import { joinRoot } from "../../core/paths.ts";
import type { Listed, Listing } from "./listed.ts";

/** What is to be done about a file of a listing. */
export type Verdict =
  | { kind: "fetch" }
  /** It is here, and the listing does not tell whether it is still the same: fetch it if it changed since. */
  | { kind: "ask"; size: number; mtime: number }
  | { kind: "same" };

/** What lies somewhere; a link is itself. Its time in milliseconds since 1970. */
export interface LocalInfo {
  kind: "file" | "dir" | "symlink" | "other";
  size: number;
  mtime: number;
}

/** Looks at what lies at a path; null where nothing does. */
export type Look = (path: string) => LocalInfo | null;

/** The folder that a mirror is put into. */
export class LocalTree {
  constructor(readonly root: string, readonly look: Look = lookAt) {}

  /** The path of the relative `path`. */
  at(path: string): string {
    return joinRoot(this.root, path);
  }

  /**
   * Makes the folder `path`, unless it is there; its parent has been entered before. Throws `write_failed`, for a link in
   * its place too.
   */
  enter(path: string): LocalFolder {
    const full = this.at(path);
    try {
      // The root is where the user wants it, behind links or not.
      if (path === "") Deno.mkdirSync(full, { recursive: true });
      else Deno.mkdirSync(full);
      if (path !== "") return new LocalFolder(full, null);
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw writeError(error, full);
    }
    const info = path === "" ? Deno.statSync(full) : Deno.lstatSync(full);
    if (!info.isDirectory) {
      const what = info.isSymlink ? "a symbolic link, which is not followed" : "a file";
      throw new FerryError("write_failed", `cannot write into ${quote(full)}: it is ${what}`);
    }
    return new LocalFolder(full, this.look);
  }
}

/** A folder that has been entered. */
export class LocalFolder {
  readonly #look: Look | null;

  /** Without `look` nothing is in it. */
  constructor(readonly path: string, look: Look | null) {
    this.#look = look;
  }

  /** What is to be done about the file `listed`. Throws `write_failed` for what may not be written over. */
  verdict(listed: Listed, precision: Listing["precision"]): Verdict {
    const full = `${this.path}/${listed.name}`;
    const here = this.#look?.(full) ?? null;
    if (here === null) return { kind: "fetch" };
    const { kind, size, mtime } = here;
    if (kind !== "file") {
      const what = kind === "symlink"
        ? "a symbolic link, which is not followed"
        : kind === "dir"
        ? "a folder"
        : "no file";
      throw new FerryError("write_failed", `cannot write ${quote(full)}: it is ${what}`);
    }
    if (listed.size === undefined || listed.mtime === undefined) return { kind: "ask", size, mtime };
    const step = (ms: number) => Math.floor(ms / precision);
    return listed.size === size && step(listed.mtime) === step(mtime) ? { kind: "same" } : { kind: "fetch" };
  }
}

function lookAt(path: string): LocalInfo | null {
  try {
    const { isFile, isDirectory, isSymlink, size, mtime } = Deno.lstatSync(path);
    const kind = isFile ? "file" : isDirectory ? "dir" : isSymlink ? "symlink" : "other";
    return { kind, size, mtime: mtime?.getTime() ?? NaN };
  } catch {
    // Who writes there says what is wrong.
    return null;
  }
}
