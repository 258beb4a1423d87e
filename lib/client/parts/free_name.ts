/** Names for files that replace nothing: the one that is wanted, or the first with a number that is free. */
import { FerryError, quote } from "../../core/errors.ts";
import { numbered } from "../remote_name.ts";
import { locked, lstatOrNull } from "./part_lock.ts";
import { partPath } from "./part_name.ts";

/** So many files of one name are enough. */
const MOST_NUMBERS = 9999;

/** `path`, and then with each number that it may get. */
export function* candidates(path: string): Generator<string> {
  for (let number = 0; number <= MOST_NUMBERS; number++) yield numbered(path, number);
}

/** Opens the part of the first name for `path` that nobody has, neither for a file nor for one on its way. */
export function claimFreeName(path: string): { path: string; file: Deno.FsFile } {
  for (const free of candidates(path)) {
    if (lstatOrNull(free) !== null) continue;
    const part = partPath(free);
    try {
      const file = Deno.openSync(part, { read: true, write: true, createNew: true });
      return { path: free, file: locked(file, part) };
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
  }
  throw noFreeName(path);
}

/** Moves the file `from` to the first free name for `path`, and gives that. */
export function moveToFreeName(from: string, path: string): string {
  for (const free of candidates(path)) {
    if (moveToFree(from, free)) return free;
  }
  throw noFreeName(path);
}

/** The error when none of them is free. */
function noFreeName(path: string): FerryError {
  return new FerryError(
    "write_failed",
    `cannot write ${
      quote(path)
    }: it is there with every number up to ${MOST_NUMBERS}; --overwrite replaces it`,
  );
}

/** Moves a file to a name that is free; false, and nothing done, when it is not. */
function moveToFree(from: string, to: string): boolean {
  try {
    Deno.linkSync(from, to);
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return false;
    // A file system without hard links: the name is taken first, and then replaced by the file.
    try {
      Deno.openSync(to, { write: true, createNew: true }).close();
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) return false;
      throw error;
    }
    Deno.renameSync(from, to);
    return true;
  }
  Deno.removeSync(from);
  return true;
}
