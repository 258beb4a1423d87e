/** Files in memory. Each use asks the file system whether the file is still the one that was read. */

import type { Coding } from "../http/accept_encoding.ts";
import { evaluate } from "../http/conditional.ts";
import { parentPath } from "../core/paths.ts";
import { KeptBody } from "./kept_body.ts";
import type { Reply } from "./reply.ts";

/** Files up to this size are kept when they are asked for once. */
const SMALL = 64 * 1024;

/** Larger ones, up to this size, when they are asked for again soon: read in one go, others wait for that long. */
export const LARGEST_HOT = 1024 * 1024;
const SOON_MS = 10_000;

/** Larger files asked for that are remembered. */
const MAX_ASKED = 1000;

/** A file changed so short a time ago could change again without its times showing it. */
const SETTLED_MS = 2000;

/** For so long the path of a folder is not followed again; the file itself is looked at each time. */
const LOCATED_MS = 1000;

/** Folders that are remembered. */
const MAX_FOLDERS = 10_000;

/** Requests that come within so short a time share one look: nobody hears of a change and asks in less. */
const LOOK_MS = 0.05;

/** What was used within so long a time does not make room for others. */
const IN_USE_MS = 10_000;

/** So many that are in use are passed over to make room; if that makes none, nothing is kept for so long. */
const MAX_PASSED = 8;
const FULL_MS = 100;

/** What a kept file costs beside its bytes, at least. */
const OVERHEAD = 1400;

/** A place in the file system and what was found there. */
interface Found {
  real: string;
  info: Deno.FileInfo;
}

/** A file as it was read. */
export interface ReadFile extends Found {
  /** Relative, for permissions. */
  path: string;
  body: KeptBody;
  /** Those of the 200. */
  headers: Record<string, string>;
}

/** A kept file. */
export interface HotFile {
  path: string;
  body: KeptBody;
  headers: Record<string, string>;
  mtime: number;
}

interface Kept extends HotFile {
  real: string;
  size: number;
  ino: number | null;
  dev: number;
  ctime: number;
  folder: Folder;
  /** When it was last found unchanged, and when it was last used. */
  looked: number;
  used: number;
}

/** A folder without a link in its path. */
interface Folder {
  /** When the path was last followed. */
  located: number;
}

/** Where what is sent for `rawPath` in `coding` is kept; a path starts with a slash, so that no other one has its key. */
export function hotKey(rawPath: string, coding: Coding | null): string {
  return coding === null ? rawPath : `${coding} ${rawPath}`;
}

/** Kept files by raw URL path, at most `limit` bytes. */
export class HotFiles {
  readonly #files = new Map<string, Kept>();
  /** When larger files were asked for, the oldest first. */
  readonly #asked = new Map<string, number>();
  readonly #folders = new Map<string, Folder>();
  readonly #limit: number;
  readonly #now: () => number;
  /** Of `find`, when only the path is known. */
  hits = 0;
  misses = 0;
  #bytes = 0;
  #changed = -Infinity;
  #full = -Infinity;

  constructor(limit = 48 * 1024 * 1024, now = () => performance.now()) {
    this.#limit = limit;
    this.#now = now;
  }

  /** How many files are kept. */
  get size(): number {
    return this.#files.size;
  }

  /** What they take. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * What `rawPath` is answered with for a client that takes `coding`, if it is kept and unchanged. `found` is what the
   * path was just found to lead to, over no link; without it what was found in the last second counts.
   */
  find(rawPath: string, coding: Coding | null, found?: Found): HotFile | undefined {
    const file = this.#find(rawPath, coding, found);
    if (found !== undefined) return file;
    if (file === undefined) this.misses++;
    else this.hits++;
    return file;
  }

  #find(rawPath: string, coding: Coding | null, found?: Found): HotFile | undefined {
    if (coding === null) return this.get(rawPath, found);
    const coded = this.get(hotKey(rawPath, coding), found);
    if (coded !== undefined) return coded;
    const plain = this.get(rawPath, found);
    return plain?.headers.vary === undefined ? plain : undefined;
  }

  /** The file at `rawPath`, or a `hotKey`, if it is kept and unchanged. */
  get(key: string, found?: Found): HotFile | undefined {
    const file = this.#files.get(key);
    if (file === undefined) return undefined;
    const now = this.#now();
    if (found === undefined) {
      if (now - file.folder.located >= LOCATED_MS) return undefined;
      file.used = now;
      if (now - file.looked < LOOK_MS && file.looked > this.#changed) return file;
      if (isUnchanged(file, look(file.real))) {
        file.looked = now;
        return file;
      }
    } else if (found.real === file.real && isUnchanged(file, found.info)) {
      file.folder = this.#folder(found.real, now);
      file.looked = file.used = now;
      return file;
    }
    this.#drop(key, file);
    return undefined;
  }

  /** Whether a file of `size` bytes at `key`, which is asked for now, is to be kept when it is at rest. */
  wants(key: string, size: number): boolean {
    const now = this.#now();
    if (size > LARGEST_HOT || now - this.#full < FULL_MS) return false;
    if (size <= SMALL) return true;
    const before = this.#asked.get(key);
    this.#asked.delete(key);
    if (before !== undefined && now - before < SOON_MS) return true;
    this.#asked.set(key, now);
    for (const oldest of this.#asked.keys()) {
      if (this.#asked.size <= MAX_ASKED) break;
      this.#asked.delete(oldest);
    }
    return false;
  }

  /** Keeps `file` if it is at rest and there is room. */
  keep(key: string, { path, real, info, body, headers }: ReadFile): void {
    const { size, ino, dev } = info;
    const mtime = info.mtime?.getTime();
    const ctime = info.ctime?.getTime();
    // ctime is known to the second only, and a file from the future tells nothing.
    if (mtime === undefined || ctime === undefined) return;
    if (!(Date.now() - Math.max(mtime, ctime) > SETTLED_MS)) return;
    const old = this.#files.get(key);
    if (old !== undefined) this.#drop(key, old);
    const now = this.#now();
    if (!this.#makeRoom(body.length + OVERHEAD)) {
      this.#full = now;
      return;
    }
    const folder = this.#folder(real, now);
    const times = { mtime, ctime, looked: -Infinity, used: now };
    this.#files.set(key, { path, real, size, ino, dev, body, headers, folder, ...times });
    this.#bytes += body.length + OVERHEAD;
  }

  /** The folder of the file at `real`, to which the path was followed `now`. */
  #folder(real: string, now: number): Folder {
    const path = parentPath(real);
    let folder = this.#folders.get(path);
    if (folder === undefined) {
      if (this.#folders.size >= MAX_FOLDERS) this.#folders.clear();
      this.#folders.set(path, folder = { located: now });
    }
    folder.located = now;
    return folder;
  }

  /** Something was changed: the next request looks, however soon it comes. */
  changed(): void {
    this.#changed = this.#now();
  }

  /** Lets the oldest go that are not in use, until there are `bytes` free. Whether there are. */
  #makeRoom(bytes: number): boolean {
    const now = this.#now();
    let passed = 0;
    for (const [key, file] of this.#files) {
      if (this.#bytes + bytes <= this.#limit) break;
      this.#drop(key, file);
      if (now - file.used >= IN_USE_MS) continue;
      // To the end of the row.
      this.#files.set(key, file);
      this.#bytes += file.body.length + OVERHEAD;
      if (++passed === MAX_PASSED) break;
    }
    return this.#bytes + bytes <= this.#limit;
  }

  #drop(key: string, file: HotFile): void {
    this.#bytes -= file.body.length + OVERHEAD;
    this.#files.delete(key);
  }
}

/** What is at the real path `real`, null for nothing. */
function look(real: string): Deno.FileInfo | null {
  try {
    return Deno.lstatSync(real);
  } catch {
    return null;
  }
}

function isUnchanged(file: Kept, now: Deno.FileInfo | null): boolean {
  return now !== null && now.size === file.size && now.ino === file.ino && now.dev === file.dev &&
    now.isFile &&
    now.mtime?.getTime() === file.mtime && now.ctime?.getTime() === file.ctime;
}

/** The answer to GET or HEAD of `file`; null when the request asks for more than a hot file can give. */
export function answerHot(file: HotFile, headers: Headers): Reply | null {
  if (headers.get("range") !== null || headers.get("if-match") !== null) return null;
  if (headers.get("if-unmodified-since") !== null || headers.get("if") !== null) return null;
  const ifNoneMatch = headers.get("if-none-match");
  const ifModifiedSince = headers.get("if-modified-since");
  if (ifNoneMatch !== null || ifModifiedSince !== null) {
    const conditions = { ifMatch: null, ifUnmodifiedSince: null, ifNoneMatch, ifModifiedSince };
    const current = { etag: file.headers.etag, mtime: file.mtime };
    const verdict = evaluate(conditions, current, { reading: true });
    if (verdict === "not_modified") return { status: 304, headers: headersOf304(file.headers), body: null };
  }
  return { status: 200, headers: file.headers, body: file.body };
}

/** Of the headers of a 200 those that a 304 has: none that tells about a content (RFC 9110 section 15.4.5). */
export function headersOf304(headers: Readonly<Record<string, string>>): Record<string, string> {
  const { "content-type": _, "content-length": _1, "content-encoding": _2, ...kept } = headers;
  return kept;
}
