/**
 * The folders and files here that a mirror writes to. No symbolic link below its root is followed: who serves the
 * mirrored folder shall not choose where files go.
 */
import { FerryError, osReason, quote, writeError } from "../../core/errors.ts";
import { joinRoot } from "../../core/paths.ts";
import type { Listed, Listing } from "./listed.ts";

/** What is to be done about a file of a listing. */
export type Verdict =
  | { kind: "fetch" }
  /** It is here, and the listing does not tell whether it is still the same: fetch it if it changed since. */
  | { kind: "ask"; size: number; mtime: number }
  | { kind: "same" };

/** The folder that a mirror is put into. */
export class LocalTree {
  constructor(readonly root: string) {}

  /** The path of the relative `path`. */
  at(path: string): string {
    return joinRoot(this.root, path);
  }

  /**
   * Makes the folder `path`, unless it is there, and looks at what is in it; its parent has been entered before.
   * Throws `write_failed`, for a link in its place too.
   */
  enter(path: string): LocalFolder {
    const full = this.at(path);
    try {
      // The root is where the user wants it, behind links or not.
      if (path === "") Deno.mkdirSync(full, { recursive: true });
      else Deno.mkdirSync(full);
      if (path !== "") return new LocalFolder(full, new Map());
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw writeError(error, full);
    }
    const info = path === "" ? Deno.statSync(full) : Deno.lstatSync(full);
    if (!info.isDirectory) {
      const what = info.isSymlink ? "a symbolic link, which is not followed" : "a file";
      throw new FerryError("write_failed", `cannot write into ${quote(full)}: it is ${what}`);
    }
    const known = new Map<string, Deno.DirEntry>();
    try {
      for (const entry of Deno.readDirSync(full)) known.set(entry.name, entry);
    } catch (error) {
      throw new FerryError("write_failed", `cannot look into ${quote(full)}: ${osReason(error)}`);
    }
    return new LocalFolder(full, known);
  }
}

/** A folder that has been entered. */
export class LocalFolder {
  constructor(readonly path: string, readonly known: ReadonlyMap<string, Deno.DirEntry>) {}

  /** What is to be done about the file `listed`. Throws `write_failed` for what may not be written over. */
  verdict(listed: Listed, precision: Listing["precision"]): Verdict {
    const here = this.known.get(listed.name);
    if (here === undefined) return { kind: "fetch" };
    const full = `${this.path}/${listed.name}`;
    if (!here.isFile) {
      const what = here.isSymlink
        ? "a symbolic link, which is not followed"
        : here.isDirectory
        ? "a folder"
        : "no file";
      throw new FerryError("write_failed", `cannot write ${quote(full)}: it is ${what}`);
    }
    let info: Deno.FileInfo;
    try {
      info = Deno.lstatSync(full);
    } catch {
      return { kind: "fetch" };
    }
    if (!info.isFile || info.mtime === null) return { kind: "fetch" };
    const mtime = info.mtime.getTime();
    if (listed.size === undefined || listed.mtime === undefined) {
      return { kind: "ask", size: info.size, mtime };
    }
    const step = (ms: number) => Math.floor(ms / precision);
    return listed.size === info.size && step(listed.mtime) === step(mtime)
      ? { kind: "same" }
      : { kind: "fetch" };
  }
}
