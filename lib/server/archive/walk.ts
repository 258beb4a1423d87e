/** What a folder is as an archive: all that its listings show, down to the last folder. */
import { FerryError, osReason, quote } from "../../core/errors.ts";
import { childPath } from "../../core/paths.ts";
import { lookClosely, type SeenEntry } from "../listing.ts";
import type { Exchange, Target } from "../share.ts";
import type { ArchiveEntry } from "./entry.ts";
import { BLOCK, openContent } from "./open_content.ts";
import { Placed, relativePath } from "./placed.ts";

type Place = Pick<Exchange, "access" | "share" | "mounted">;

/** A folder that is being gone through. */
interface Frame {
  /** As in a URL, for permissions. */
  path: string;
  real: string;
  /** What it is in the archive. */
  at: string;
  names: readonly string[];
  next: number;
  /** Whether something that was listed was gone when its turn came. */
  gone: boolean;
  listings: number;
  /** How often the name before `next` was something else when it was opened than when it was found. */
  tries: number;
}

/** A folder in which names come and go is listed so often at most. */
const MAX_LISTINGS = 4;

/** A name that becomes something else all the time is tried so often. */
const MAX_TRIES = 4;

/**
 * Everything in `folder` that a GET would find, as `top` and what is below it, each when it is asked for; null where a
 * name is left out. A link to what is in the archive is a link there; what else a link leads to is there as it is.
 *
 * What is removed before its turn is left out. Throws FerryError for what cannot be read, and for a folder that is
 * moved away under its way.
 */
export function* walk(
  place: Place,
  folder: Pick<Target, "path" | "real">,
  top: string,
): Generator<ArchiveEntry | null> {
  const placed = new Placed(place);
  const frames: Frame[] = [];
  const buffer = new Uint8Array(BLOCK);
  const enter = (path: string, real: string, at: string): ArchiveEntry | null => {
    const names = namesOf(path, real);
    if (names === null) return null;
    frames.push({ path, real, at, names, next: 0, gone: false, listings: 1, tries: 0 });
    return { kind: "dir", path: at, ...attributes(Deno.lstatSync(real), 0o755) };
  };
  placed.add(folder.real, top);
  const first = enter(folder.path, folder.real, top);
  if (first === null) throw changed(folder.path);
  yield first;
  for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
    if (frame.next === frame.names.length && !listAgain(frame)) {
      frames.pop();
      continue;
    }
    const name = frame.names[frame.next++];
    const path = childPath(frame.path, name);
    const at = `${frame.at}/${name}`;
    const seen = look(place, frame, name);
    if (seen === null) {
      yield null;
      continue;
    }
    const known = seen.kind === "symlink" ? placed.find(seen.real) : placed.at(seen.real);
    if (known !== null) {
      yield { kind: "link", path: at, target: relativePath(frame.at, known), ...linkAttributes(frame, name) };
    } else if (seen.info.isDirectory) {
      if (seen.kind === "symlink") placed.add(seen.real, at);
      const entry = enter(path, seen.real, at);
      if (entry === null) tryAgain(frame, path);
      else frame.tries = 0;
      yield entry;
    } else {
      using content = openContent(seen, path, buffer);
      if (content === null) tryAgain(frame, path);
      else frame.tries = 0;
      yield content && { kind: "file", path: at, ...attributes(content.info, 0o644), content };
    }
  }
}

/** What `name` is; null for what is not in the archive. */
function look(place: Place, frame: Frame, name: string): SeenEntry | null {
  try {
    return lookClosely(place, frame, name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw unreadable(childPath(frame.path, name), error);
    frame.gone = true;
    return null;
  }
}

/** Has the last name looked at again: it may have been replaced, or be gone. */
function tryAgain(frame: Frame, path: string): void {
  if (++frame.tries === MAX_TRIES) throw changed(path);
  frame.next--;
}

/** Something was renamed, perhaps, rather than removed: goes on with the names that were not there before. */
function listAgain(frame: Frame): boolean {
  if (!frame.gone || frame.listings === MAX_LISTINGS) return false;
  const names = namesOf(frame.path, frame.real);
  if (names === null) throw changed(frame.path);
  frame.gone = false;
  frame.listings++;
  const known = new Set(frame.names);
  const added = names.filter((name) => !known.has(name));
  frame.names = frame.names.concat(added);
  return added.length > 0;
}

/** The names in a folder, in their order; null where no folder is any more. */
function namesOf(path: string, real: string): string[] | null {
  try {
    const names = Array.from(Deno.readDirSync(real), ({ name }) => name);
    // A link may stand there by now, and lead anywhere.
    return Deno.realPathSync(real) === real ? names.sort() : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return null;
    throw unreadable(path, error);
  }
}

function attributes(info: Deno.FileInfo, mode: number): { mode: number; mtime: number } {
  return { mode: (info.mode ?? mode) & 0o777, mtime: info.mtime?.getTime() ?? 0 };
}

function linkAttributes({ path, real }: Frame, name: string): { mode: number; mtime: number } {
  try {
    return { mode: 0o777, mtime: Deno.lstatSync(`${real}/${name}`).mtime?.getTime() ?? 0 };
  } catch {
    throw changed(childPath(path, name));
  }
}

function unreadable(path: string, error: unknown): FerryError {
  if (error instanceof FerryError) return error;
  return new FerryError("read_failed", `cannot read ${quote(`/${path}`)}: ${osReason(error)}`, {
    cause: error,
  });
}

function changed(path: string): FerryError {
  return new FerryError("conflict", `${quote(`/${path}`)} was moved or replaced while it was read`);
}
