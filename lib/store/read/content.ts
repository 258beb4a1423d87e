/**
 * Reads files of the local file system for a replica: whole, or not at all. A file that changes while it is read is
 * read once more and then given up, so that a mix of two versions never travels.
 */
import { FerryError, osCode, osReason } from "../../core/errors.ts";
import { readFully } from "../../core/file_bytes.ts";
import { MODE_MASK, type ProblemCode } from "../../core/entry.ts";
import { SMALL_FILE_BYTES } from "../../wire/limits.ts";
import type { Outcome } from "../../wire/outcome.ts";
import type { Content, ContentMeta, NoContent, Rest } from "../../wire/stream.ts";
import type { StrictPaths } from "../root.ts";
import { mtimeOf } from "../times.ts";

const CHUNK_BYTES = 1024 * 1024;

/** Files that grew since they were listed are still taken whole up to this size. */
export const GROWN_FILE_BYTES = SMALL_FILE_BYTES * 4;

/** Why a file could not be read, as a problem. */
export class ReadProblem extends Error {
  constructor(readonly code: ProblemCode, message: string) {
    super(message);
  }
}

/** A file as it was when it was opened. */
export interface Opened {
  meta: ContentMeta;
  /** The modification time as the runtime has it. */
  time: number;
  inode: number | null;
}

/** Reads the small file `path` into the buffer that `bufferOf(size)` gives. Throws ReadProblem. */
export function readSmall(
  paths: StrictPaths,
  path: string,
  bufferOf: (size: number) => Uint8Array<ArrayBuffer>,
): ContentMeta {
  return withPath(paths, path, (full) => {
    for (let attempt = 0; attempt < 2; attempt++) {
      const before = lookAt(full);
      const { size } = before.meta;
      if (size > GROWN_FILE_BYTES) break;
      using file = Deno.openSync(full);
      if (readFully(file, bufferOf(size)) === size && isStill(file, before)) return before.meta;
    }
    throw new ReadProblem("changed", "it changed while it was read");
  });
}

/** What to leave out at the beginning of a file, if it is still this version. */
export interface ResumePoint {
  offset: number;
  size: number;
  mtime: number;
}

/** Opens `path`, of any size, to be taken piece by piece. A problem when `resume` is of another version. */
export function openContent(paths: StrictPaths, path: string, resume?: ResumePoint): Content | NoContent {
  try {
    return withPath(paths, path, (full) => new FileContent(full, resume));
  } catch (error) {
    return { kind: "problem", ...readOutcome(error) };
  }
}

class FileContent implements Content {
  readonly kind = "content";
  readonly #before: Opened;
  readonly #file: Deno.FsFile;
  readonly #buffer: Uint8Array;
  #left: number;
  #broken: Outcome = null;
  #closed = false;
  readonly rest: Rest | undefined;

  constructor(full: string, resume: ResumePoint | undefined) {
    this.#before = lookAt(full, true);
    const { size, mtime } = this.#before.meta;
    if (resume !== undefined && (resume.size !== size || resume.mtime !== mtime || resume.offset > size)) {
      throw new ReadProblem("changed", "it is another version now");
    }
    const offset = resume?.offset ?? 0;
    this.#file = Deno.openSync(full);
    this.#left = size - offset;
    if (offset > 0) {
      this.#file.seekSync(offset, Deno.SeekMode.Start);
      this.rest = { kind: "local", offset, beginning: (take) => readBeginning(full, offset, take) };
    }
    this.#buffer = new Uint8Array(Math.min(CHUNK_BYTES, Math.max(1, this.#left)));
  }

  get meta(): ContentMeta {
    return this.#before.meta;
  }

  next(): Uint8Array | null {
    if (this.#left === 0) return null;
    let count: number | null;
    try {
      count = this.#file.readSync(this.#buffer.subarray(0, Math.min(this.#left, this.#buffer.length)));
    } catch (error) {
      this.#broken = readOutcome(error);
      return null;
    }
    if (count === null) return null;
    this.#left -= count;
    return this.#buffer.subarray(0, count);
  }

  outcome(): Outcome {
    if (this.#broken !== null) return this.#broken;
    if (this.#left === 0 && isStill(this.#file, this.#before)) return null;
    return { code: "changed", message: "it changed while it was read" };
  }

  [Symbol.dispose](): void {
    if (!this.#closed) this.#file.close();
    this.#closed = true;
  }
}

/** Reads the first `size` bytes of a file, without holding others up. Throws when it has become shorter. */
export async function readBeginning(
  full: string,
  size: number,
  take: (bytes: Uint8Array) => void,
): Promise<void> {
  const buffer = new Uint8Array(Math.min(CHUNK_BYTES, size));
  using file = await Deno.open(full);
  for (let left = size; left > 0;) {
    const count = await file.read(buffer.subarray(0, Math.min(left, buffer.length)));
    if (count === null) throw new FerryError("read_failed", "the file became shorter");
    take(buffer.subarray(0, count));
    left -= count;
  }
}

/** A ReadProblem, or a system's error while reading, as an outcome; a FerryError is thrown on. */
export function readOutcome(error: unknown): { code: ProblemCode; message: string } {
  if (error instanceof FerryError) throw error;
  if (error instanceof ReadProblem) return { code: error.code, message: error.message };
  return { code: "unreadable", message: `cannot read it: ${osReason(error)}` };
}

/** The regular file at `full`; `streamed` where its holes may be left out. Throws ReadProblem for anything else. */
export function lookAt(full: string, streamed = false): Opened {
  const info = Deno.lstatSync(full);
  // Opening a pipe or a device can block or do things.
  if (!info.isFile) throw new ReadProblem("changed", "it is no longer a regular file");
  const meta = metaOf(info, full);
  // Less is kept than is there.
  if (streamed && info.blocks !== null && info.blocks * 512 < info.size) meta.sparse = true;
  return { meta, time: timeOf(info), inode: info.ino };
}

/** Whether the open file is the one that was looked at, in the same version. */
export function isStill(file: Deno.FsFile, before: Opened): boolean {
  const info = file.statSync();
  return info.ino === before.inode && info.size === before.meta.size && timeOf(info) === before.time;
}

function timeOf(info: Deno.FileInfo): number {
  return info.mtime?.getTime() ?? 0;
}

function metaOf(info: Deno.FileInfo, full: string): ContentMeta {
  return { size: info.size, mtime: mtimeOf(info, full), mode: (info.mode ?? 0o644) & MODE_MASK };
}

/** Does `read` with the place of `path`. Throws ReadProblem for what the file system refuses. */
export function withPath<T>(paths: StrictPaths, path: string, read: (full: string) => T): T {
  try {
    return read(paths.locate(path));
  } catch (error) {
    if (error instanceof ReadProblem) throw error;
    const gone = error instanceof Deno.errors.NotFound || osCode(error) === "ENOTDIR";
    if (gone || error instanceof FerryError) {
      throw new ReadProblem("vanished", "it vanished before it was read");
    }
    throw new ReadProblem("unreadable", `cannot read it: ${osReason(error)}`);
  }
}
