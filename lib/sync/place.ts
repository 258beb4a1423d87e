/** From an argument of `ferry sync` to the Store it names. */
import { FerryError, quote } from "../core/errors.ts";
import { isWithin, parseUrlPath } from "../core/paths.ts";
import { LocalStore } from "../store/local.ts";
import { RemoteStore } from "../store/remote/remote_store.ts";
import { apartError } from "./guard.ts";
import type { Links } from "../store/read/links.ts";
import { overlaps, realOrFuture } from "../store/root.ts";
import type { Safety, TrashChoice } from "../store/write/care.ts";
import type { Store } from "../store/store.ts";
import type { Paces } from "../client/fetch/watch.ts";

/** Whether `text` names a folder of this machine rather than a URL. */
export function isLocal(text: string): boolean {
  return !/^[a-z][a-z0-9+.-]*:\/\//i.test(text);
}

export interface PlaceOptions {
  token?: string;
  /** SHA-256 of the certificates that servers must have; see `readPins`. */
  pins?: readonly string[];
  signal?: AbortSignal;
  /** Rates that a server is spoken to at. */
  paces?: Paces;
  /** What reading it does with symbolic links. */
  links?: Links;
  safety?: Safety;
  /** The state folder of this machine. */
  stateHome?: string;
  /** Told, in one line, what a user should know. */
  warn?: (line: string) => void;
}

/** The store that `text` names: an http or https URL, else a local folder. Throws `bad_url` for other schemes. */
export function placeOf(text: string, options: PlaceOptions): Store {
  if (isLocal(text)) {
    if (text === "") throw new FerryError("usage", "an empty name is no folder");
    if (looksRemote(text) && !isThere(text)) {
      throw new FerryError(
        "bad_url",
        `${
          quote(text)
        } looks like a server, which is named as http://HOST:PORT/PATH; a new folder of that name ` +
          `is ./${quote(text)}`,
      );
    }
    return new LocalStore(text, options);
  }
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null) throw new FerryError("bad_url", `${quote(text)} is not a URL`);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new FerryError("bad_url", `${quote(text)}: only http and https URLs, or local folders`);
  }
  const shown = quote(url.host + url.pathname);
  if (/[?#]/.test(text)) {
    throw new FerryError(
      "bad_url",
      `${shown}: a folder's URL has no query or fragment; in names ? is %3F and # is %23`,
    );
  }
  const trouble = pathTrouble(url.pathname);
  if (trouble !== null) throw new FerryError("bad_url", `${shown} names no folder: ${trouble}`);
  return new RemoteStore(url, options);
}

/** Whether rsync would take `text` for a place on another machine, `HOST:PATH`. */
function looksRemote(text: string): boolean {
  return /^[^/:]{2,}:/.test(text);
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Why no server has a folder at this URL path, or null when one may. */
function pathTrouble(pathname: string): string | null {
  try {
    parseUrlPath(pathname);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** As the guard of that name, for two folders of this machine, marked or not. */
export function checkFoldersApart(source: string, destination: string): void {
  const [a, b] = [realOrFuture(source), realOrFuture(destination)];
  if (a === null || b === null || !overlaps(a, b)) return;
  throw apartError([source, destination], a === b);
}

/**
 * What `--trash` names: `none`, or a folder of this machine, for a DST of this machine. Throws `usage` for one that a run
 * would copy or delete, and for what is no folder.
 */
export function trashChoice(text: string | undefined, from: string, to: string): TrashChoice {
  if (text === undefined) return { kind: "own" };
  if (text === "none") return { kind: "none" };
  const wrong = (why: string) => new FerryError("usage", `--trash ${quote(text)}: ${why}`);
  if (!isLocal(to)) throw wrong("a server keeps its own trash; only none is possible here");
  if (!isLocal(text) || text === "") throw wrong("must be a folder of this machine, or none");
  const dir = realOrFuture(text);
  if (dir === null) throw wrong("leads through a folder that is not there");
  const [source, destination] = [isLocal(from) ? realOrFuture(from) : null, realOrFuture(to)];
  if (destination !== null && overlaps(dir, destination)) {
    throw wrong("must not lie in DST or around it; without the flag DST keeps its own trash");
  }
  if (source !== null && isWithin(dir, source)) {
    throw wrong("must not lie in SRC, which would be copied with it");
  }
  if (isFile(dir)) throw wrong("is a file; a folder is needed");
  return { kind: "dir", path: dir };
}

function isFile(path: string): boolean {
  try {
    return !Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}
