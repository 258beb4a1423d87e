/** Small files in memory. Each use asks the file system whether the file is still the one that was read. */

import type { Coding } from "../http/accept_encoding.ts";
import { evaluate } from "../http/conditional.ts";
import type { Reply } from "./reply.ts";

/** Files larger than this are read from disk each time. */
export const LARGEST_HOT = 64 * 1024;

/** A file changed so short a time ago could change again without its times showing it. */
const SETTLED_MS = 2000;

/** For so long a path is not followed again; the file itself is looked at each time. */
const LOCATED_MS = 1000;

/** What a kept file costs beside its bytes. */
const OVERHEAD = 1024;

/** A file as it was read. */
export interface HotFile {
  /** Relative, for permissions. */
  path: string;
  real: string;
  info: Deno.FileInfo;
  body: Uint8Array<ArrayBuffer>;
  /** Those of the 200. */
  headers: Record<string, string>;
}

interface Kept extends HotFile {
  mtime: number;
  ctime: number;
  located: number;
}

/** Where what is sent for `rawPath` in `coding` is kept; a path starts with a slash, so that no other one has its key. */
export function hotKey(rawPath: string, coding: Coding | null): string {
  return coding === null ? rawPath : `${coding} ${rawPath}`;
}

/** Kept files by raw URL path, oldest out first when `limit` bytes are full. */
export class HotFiles {
  readonly #files = new Map<string, Kept>();
  readonly #limit: number;
  /** Of `find`. */
  hits = 0;
  misses = 0;
  #bytes = 0;

  constructor(limit = 64 * 1024 * 1024) {
    this.#limit = limit;
  }

  /** How many files are kept. */
  get size(): number {
    return this.#files.size;
  }

  /** What they take. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What `rawPath` is answered with for a client that takes `coding`, if it is kept and unchanged. */
  find(rawPath: string, coding: Coding | null): HotFile | undefined {
    const file = this.#find(rawPath, coding);
    if (file === undefined) this.misses++;
    else this.hits++;
    return file;
  }

  #find(rawPath: string, coding: Coding | null): HotFile | undefined {
    if (coding === null) return this.get(rawPath);
    const coded = this.get(hotKey(rawPath, coding));
    if (coded !== undefined) return coded;
    const plain = this.get(rawPath);
    return plain?.headers.vary === undefined ? plain : undefined;
  }

  /** The file at `rawPath`, or a `hotKey`, if it is kept and unchanged. */
  get(rawPath: string): HotFile | undefined {
    const file = this.#files.get(rawPath);
    if (file === undefined) return undefined;
    if (Date.now() - file.located < LOCATED_MS && isUnchanged(file)) return file;
    this.#drop(rawPath, file);
    return undefined;
  }

  /** Keeps `file` if it is at rest. */
  keep(rawPath: string, file: HotFile): void {
    const mtime = file.info.mtime?.getTime();
    const ctime = file.info.ctime?.getTime();
    const now = Date.now();
    // ctime is known to the second only, and a file from the future tells nothing.
    if (mtime === undefined || ctime === undefined || !(now - Math.max(mtime, ctime) > SETTLED_MS)) return;
    const old = this.#files.get(rawPath);
    if (old !== undefined) this.#drop(rawPath, old);
    this.#files.set(rawPath, { ...file, mtime, ctime, located: now });
    this.#bytes += file.body.length + OVERHEAD;
    for (const [oldest, { body }] of this.#files) {
      if (this.#bytes <= this.#limit) break;
      this.#bytes -= body.length + OVERHEAD;
      this.#files.delete(oldest);
    }
  }

  #drop(rawPath: string, file: HotFile): void {
    this.#bytes -= file.body.length + OVERHEAD;
    this.#files.delete(rawPath);
  }
}

function isUnchanged(file: Kept): boolean {
  let now: Deno.FileInfo;
  try {
    now = Deno.lstatSync(file.real);
  } catch {
    return false;
  }
  return now.size === file.info.size && now.ino === file.info.ino && now.dev === file.info.dev &&
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
    const current = { etag: file.headers.etag, mtime: file.info.mtime?.getTime() ?? null };
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
