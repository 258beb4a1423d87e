/**
 * From a checked relative path to a place in the file system that is certain to lie below the root: the second half
 * of path safety, after core/paths.ts. Symbolic links may be followed, but never out of the root.
 */
import { lstatSync } from "node:fs";
import { FerryError, osCode } from "../core/errors.ts";
import { baseName, isHidden, isWithin, joinRoot, parentPath, RESERVED_NAME } from "../core/paths.ts";
import { type Libc, libc } from "./libc.ts";
import { isThere } from "./quiet.ts";

/** How far `locate` goes. */
export interface LocateOptions {
  /** `none`: a path with a symbolic link in it is not there. `inside` (default): links within the root work. */
  follow?: "none" | "inside";
  /** When false, names that start with a dot are not there, also not by way of a link. Default true. */
  hidden?: boolean;
  /** `keep`: a link at the very end is the thing itself (delete, move). Its target must still lie inside. */
  leaf?: "follow" | "keep";
}

/** Where a path leads. */
export interface Located {
  /** The real path: no link in it, but for a kept leaf. */
  real: string;
  /** What is there (`lstat`), or null for nothing; then the parents may be missing too. */
  info: Deno.FileInfo | null;
}

/**
 * Finds `path` (checked, relative) below `root` (a real path). Throws `not_found` for what leads out of the root,
 * into Ferry's own state, over a dangling or looping link, or through a hidden name when these are not shown; and
 * `conflict` where a file stands in the place of a folder.
 */
export function locate(root: string, path: string, options: LocateOptions = {}): Located {
  const joined = joinRoot(root, path);
  const missing = locateNew(root, path, options);
  if (missing !== null) return missing;
  let real: string;
  try {
    real = Deno.realPathSync(joined);
  } catch (error) {
    return locateMissing(root, path, error, options);
  }
  checkInside(root, path, real, options);
  if (options.leaf === "keep" && path !== "") {
    // Its own parents, resolved, then the name itself: the link rather than what it points at.
    real = joinRoot(Deno.realPathSync(joinRoot(root, parentPath(path))), baseName(path));
  }
  return { real, info: Deno.lstatSync(real) };
}

function checkInside(root: string, path: string, real: string, options: LocateOptions): void {
  const inner = root === "/" ? real.slice(1) : real === root ? "" : real.slice(root.length + 1);
  const inside = root === "/" || real === root || real.startsWith(root + "/");
  if (!inside) throw notFound();
  if (inner !== path && options.follow === "none") throw notFound();
  if (inner.split("/").includes(RESERVED_NAME)) throw notFound();
  if (options.hidden === false && (isHidden(inner) || isHidden(path))) throw notFound();
}

/**
 * What is just missing from a folder that is there; null where it needs more looks than that. No error is made for it:
 * to make those took a fifth of the time of small uploads.
 */
function locateNew(root: string, path: string, options: LocateOptions): Located | null {
  if (path === "" || (options.hidden === false && isHidden(path))) return null;
  const library = libc();
  if (!isMissing(joinRoot(root, path), library)) return null;
  const parent = locate(root, parentPath(path), { ...options, leaf: "follow" });
  if (!parent.info?.isDirectory) return null;
  const real = joinRoot(parent.real, baseName(path));
  return isMissing(real, library) ? { real, info: null } : null;
}

/** Whether it is certain that nothing is at `path`. */
function isMissing(path: string, library: Libc | null): boolean {
  if (library !== null) return library.isMissing(path);
  try {
    return lstatSync(path, { throwIfNoEntry: false }) === undefined;
  } catch {
    return false;
  }
}

function locateMissing(root: string, path: string, error: unknown, options: LocateOptions): Located {
  const code = osCode(error);
  const noFolder = code === "ENOTDIR" || error instanceof Deno.errors.NotADirectory;
  const closed = code === "EACCES" || error instanceof Deno.errors.PermissionDenied;
  if (path !== "" && (noFolder || closed)) {
    // Only of what lies in the root may be told what stands in the way: so first all that is above.
    const { real, info } = locate(root, parentPath(path), { ...options, leaf: "follow" });
    if (isLink(joinRoot(real, baseName(path)))) throw notFound();
    if (closed) throw error;
    // Else somebody has changed it since.
    if (info === null || info.isDirectory) throw notFound();
    throw new FerryError("conflict", "a file stands where the path needs a folder");
  }
  if (!(error instanceof Deno.errors.NotFound)) {
    // A loop of links, a name too long for this file system: nothing that could be there.
    if (code === "ELOOP" || code === "ENAMETOOLONG" || error instanceof Deno.errors.FilesystemLoop) {
      throw notFound();
    }
    throw error;
  }
  if (path === "") throw new FerryError("not_found", "the shared folder is gone");
  if (options.hidden === false && isHidden(path)) throw notFound();
  const parent = locate(root, parentPath(path), { ...options, leaf: "follow" });
  const real = joinRoot(parent.real, baseName(path));
  if (parent.info !== null) {
    if (!parent.info.isDirectory) {
      throw new FerryError("conflict", "a file stands where the path needs a folder");
    }
    // realpath found nothing although a name is there: a dangling link, and nobody writes through that.
    if (isThere(real)) throw notFound();
  }
  return { real, info: null };
}

function isLink(path: string): boolean {
  try {
    return Deno.lstatSync(path).isSymlink;
  } catch {
    return false;
  }
}

function notFound(): FerryError {
  return new FerryError("not_found", "there is nothing at this path");
}

/**
 * Real paths for the sync engine, which never follows a link. It remembers the last folder that it has looked at,
 * since files come folder by folder: use one for a batch that runs without a pause, then a new one.
 */
export class StrictPaths {
  #dir: string | null = null;

  constructor(readonly root: string) {}

  /**
   * The place of `path` (checked, not the root) in the file system. Throws `conflict` when a parent is missing, a
   * link or a file.
   */
  locate(path: string): string {
    const dir = parentPath(path);
    if (dir !== this.#dir) {
      const wanted = joinRoot(this.root, dir);
      let real: string;
      try {
        real = Deno.realPathSync(wanted);
      } catch {
        throw new FerryError("conflict", "its folder is not there");
      }
      if (real !== wanted) throw new FerryError("conflict", "a symbolic link stands in its path");
      this.#dir = dir;
    }
    return joinRoot(this.root, path);
  }
}

/** Whether the folder `root` holds nothing but Ferry's own state. */
export function isEmptyFolder(root: string): boolean {
  for (const { name } of Deno.readDirSync(root)) if (name !== RESERVED_NAME) return false;
  return true;
}

/** Whether two real folders are the same or one lies within the other. */
export function overlaps(a: string, b: string): boolean {
  return isWithin(a, b) || isWithin(b, a) || a === "/" || b === "/";
}

/** The path below `root` of a real path that lies in it. */
export function innerPath(root: string, real: string): string {
  if (real === root) return "";
  return real.slice(root === "/" ? 1 : root.length + 1);
}

/** The real path of `path`, or for one that is not there yet the path it will have; null when that cannot be told. */
export function realOrFuture(path: string): string | null {
  for (let at = path, rest = "";;) {
    try {
      return Deno.realPathSync(at === "" ? "." : at) + rest;
    } catch {
      const slash = at.replace(/\/+$/, "").lastIndexOf("/");
      const name = at.replace(/\/+$/, "").slice(slash + 1);
      if (at === "" || name === "" || name === "." || name === "..") return null;
      rest = "/" + name + rest;
      at = slash === -1 ? "" : slash === 0 ? "/" : at.slice(0, slash);
    }
  }
}
