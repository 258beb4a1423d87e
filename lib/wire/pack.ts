/**
 * Packs: many files in one HTTP body, either way. A pack is 8 bytes of magic, frames, and an end frame; all numbers
 * are big-endian. A frame is a 28-byte header, its content, and for a file the CRC-32 of the content, 4 bytes:
 *
 * | bytes | header            |
 * |-------|-------------------|
 * | 1     | kind              |
 * | 3     | 1: sparse         |
 * | 4     | index             |
 * | 8     | size of content   |
 * | 8     | mtime, ms, double |
 * | 4     | permission bits   |
 *
 * Kinds: 0 end (index = number of frames before it), 1 file, 2 problem (content is JSON), 3 streamed file (stream.ts), 4
 * paths of the files before it (file_list.ts; with a checksum, too), last before the end. `index` is the place in the list of what was asked
 * for, or the number that a commit will call the staged file by.
 *
 * The checksum is there for damage on the way: of the same length as Ethernet's and gzip's, at a hundredth of the cost
 * of a SHA-256, which for small files would be a tenth of all the work of a copy. What proves that two files are the
 * same is always a SHA-256.
 */
import { crc32 } from "node:zlib";
import { FerryError } from "../core/errors.ts";
import type { ProblemCode } from "../core/entry.ts";
import { isTime } from "./fields.ts";
import { parsePaths } from "./file_list.ts";
import { problemOfJson } from "./outcome.ts";

export const PACK_TYPE = "application/vnd.ferry.pack";
export const MAGIC = new TextEncoder().encode("FERRYPK1");
export const HEADER_BYTES = 28;
export const CHECKSUM_BYTES = 4;

export const KIND_END = 0;
export const KIND_FILE = 1;
export const KIND_PROBLEM = 2;
export const KIND_STREAM = 3;
export const KIND_PATHS = 4;

/** One file's content with the size and times it had when it was read. */
export interface FileFrame {
  kind: "file";
  index: number;
  mtime: number;
  mode: number;
  content: Uint8Array;
}

/** Why a file that was asked for is not there. */
export interface ProblemFrame {
  kind: "problem";
  index: number;
  code: ProblemCode;
  message: string;
}

export type Frame = FileFrame | ProblemFrame;

/** The fixed part before a file's content. */
export interface FileHeader {
  index: number;
  size: number;
  mtime: number;
  mode: number;
  /** The content comes without its holes, see holes.ts; only in a streamed pack. */
  sparse?: boolean;
}

/** Writes a pack into one growing buffer; contents may be read straight into it. */
export class PackBuilder {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #length = 0;
  #frames = 0;

  /** Builds into `buffer`; one that turns out too small is replaced. */
  constructor(buffer: ArrayBuffer) {
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(this.#bytes.buffer);
    this.#bytes.set(MAGIC);
    this.#length = MAGIC.length;
  }

  /**
   * A builder that goes on behind `frames` where their contents stand in memory as a pack has them, so that nothing is
   * copied; they get their headers anew, since their numbers may be others. Null where they stand otherwise.
   */
  static behind(frames: readonly FileFrame[]): PackBuilder | null {
    const memory = frames.at(0)?.content.buffer;
    if (!(memory instanceof ArrayBuffer)) return null;
    const view = new DataView(memory);
    let at = MAGIC.length;
    for (const { content } of frames) {
      if (content.buffer !== memory || content.byteOffset !== at + HEADER_BYTES) return null;
      if (view.getUint8(at) !== KIND_FILE || view.getUint32(at + 12) !== content.length) return null;
      at = content.byteOffset + content.length + CHECKSUM_BYTES;
      if (at > memory.byteLength) return null;
    }
    if (!equalBytes(new Uint8Array(memory, 0, MAGIC.length), MAGIC)) return null;
    const builder = new PackBuilder(memory);
    for (const { index, mtime, mode, content } of frames) {
      builder.#header(KIND_FILE, { index, mtime, mode, size: content.length });
      builder.#length += HEADER_BYTES + content.length + CHECKSUM_BYTES;
    }
    return builder;
  }

  /** Bytes so far. */
  get length(): number {
    return this.#length;
  }

  /** Whether a file of `size` bytes fits into the memory that there is. */
  fits(size: number): boolean {
    return this.#length + HEADER_BYTES + size + CHECKSUM_BYTES <= this.#bytes.length;
  }

  /** Room for `size` bytes of content at the place where `finishFile` expects them. */
  contentBuffer(size: number): Uint8Array<ArrayBuffer> {
    this.#reserve(HEADER_BYTES + size + CHECKSUM_BYTES);
    const start = this.#length + HEADER_BYTES;
    return this.#bytes.subarray(start, start + size);
  }

  /** Frames the `header.size` bytes that `contentBuffer` was last filled with. */
  finishFile(header: FileHeader): void {
    this.#finish(KIND_FILE, header);
  }

  #finish(kind: number, header: FileHeader): void {
    const start = this.#length + HEADER_BYTES;
    const end = start + header.size;
    this.#header(kind, header);
    this.#view.setUint32(end, crc32(this.#bytes.subarray(start, end)));
    this.#length = end + CHECKSUM_BYTES;
  }

  addProblem(index: number, code: ProblemCode, message: string): void {
    const content = new TextEncoder().encode(JSON.stringify({ code, message }));
    this.#reserve(HEADER_BYTES + content.length);
    this.#header(KIND_PROBLEM, { index, size: content.length, mtime: 0, mode: 0 });
    this.#bytes.set(content, this.#length + HEADER_BYTES);
    this.#length += HEADER_BYTES + content.length;
  }

  /** Says where the files are to come that were added, all of them and nothing else. */
  addPaths(paths: readonly string[]): void {
    const content = new TextEncoder().encode(paths.join("\0"));
    this.contentBuffer(content.length).set(content);
    this.#finish(KIND_PATHS, { index: 0, size: content.length, mtime: 0, mode: 0 });
  }

  addFile(frame: FileFrame): void {
    this.contentBuffer(frame.content.length).set(frame.content);
    this.finishFile({ index: frame.index, size: frame.content.length, mtime: frame.mtime, mode: frame.mode });
  }

  /** Ends the pack and gives its bytes; the builder is used up. */
  finish(): Uint8Array<ArrayBuffer> {
    this.#reserve(HEADER_BYTES);
    writeHeader(this.#view, this.#length, KIND_END, { index: this.#frames, size: 0, mtime: 0, mode: 0 });
    this.#length += HEADER_BYTES;
    return this.#bytes.subarray(0, this.#length);
  }

  #header(kind: number, header: FileHeader): void {
    writeHeader(this.#view, this.#length, kind, header);
    this.#frames++;
  }

  #reserve(size: number): void {
    const needed = this.#length + size;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed + HEADER_BYTES, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/** Writes the 28 bytes of a header. */
export function writeHeader(view: DataView, at: number, kind: number, header: FileHeader): void {
  view.setUint32(at, kind * 0x1000000 + (header.sparse ? 1 : 0));
  view.setUint32(at + 4, header.index);
  view.setUint32(at + 8, Math.floor(header.size / 0x100000000));
  view.setUint32(at + 12, header.size % 0x100000000);
  view.setFloat64(at + 16, header.mtime);
  view.setUint32(at + 24, header.mode);
}

/** A header as it stands on the wire. */
export interface RawHeader extends FileHeader {
  kind: number;
}

/** Reads the 28 bytes of a header. Throws `protocol` for numbers that nothing can have. */
export function readHeader(view: DataView, at: number): RawHeader {
  const flags = view.getUint32(at) % 0x1000000;
  if (flags > 1) throw malformed("a frame header with reserved bits");
  const size = view.getUint32(at + 8) * 0x100000000 + view.getUint32(at + 12);
  const mtime = view.getFloat64(at + 16);
  if (!Number.isSafeInteger(size)) throw malformed("an absurd size");
  if (!isTime(mtime)) throw malformed("an absurd time");
  return {
    kind: view.getUint8(at),
    index: view.getUint32(at + 4),
    size,
    mtime,
    mode: view.getUint32(at + 24) & 0o777,
    ...(flags === 1 ? { sparse: true } : {}),
  };
}

/**
 * Reads a pack that lies in memory, frame by frame; contents are views of `bytes`. A file whose content does not
 * match its checksum comes out as a problem. `onPaths` is told of the paths at the end of a pack; without it there
 * must be none. Throws `protocol` at the first byte that cannot be right, after the frames before it.
 */
export function* readPack(bytes: Uint8Array, onPaths?: (paths: string[]) => void): Generator<Frame> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  checkMagic(bytes);
  let at = MAGIC.length;
  let told = false;
  for (let frames = 0;; frames++) {
    if (at + HEADER_BYTES > bytes.length) throw malformed("it ends early");
    const header = readHeader(view, at);
    at += HEADER_BYTES;
    if (header.sparse) throw malformed("a sparse file among others");
    if (header.kind === KIND_END) {
      if (header.index !== frames || at !== bytes.length) throw malformed("its end does not fit");
      return;
    }
    if (told) throw malformed("a frame behind the paths");
    if (header.size > bytes.length - at) throw malformed("a file is longer than the pack");
    const content = bytes.subarray(at, at + header.size);
    at += header.size;
    if (header.kind === KIND_PROBLEM) {
      yield { kind: "problem", index: header.index, ...problemOfJson(content) };
      continue;
    }
    const paths = header.kind === KIND_PATHS ? onPaths : undefined;
    told = paths !== undefined;
    if (header.kind !== KIND_FILE && paths === undefined) throw malformed("an unknown kind of frame");
    if (at + CHECKSUM_BYTES > bytes.length) throw malformed("it ends early");
    const checksum = view.getUint32(at);
    at += CHECKSUM_BYTES;
    if (paths === undefined) yield checkedFrame(header, content, checksum);
    else if (crc32(content) === checksum) paths(parsePaths(content));
    else throw malformed("its paths do not match their checksum");
  }
}

function checkedFrame({ index, mtime, mode }: FileHeader, content: Uint8Array, checksum: number): Frame {
  return crc32(content) === checksum
    ? { kind: "file", index, mtime, mode, content }
    : { kind: "problem", index, code: "bad_content", message: "its content does not match its checksum" };
}

/** Throws `protocol` when `bytes` does not start as a pack. */
export function checkMagic(bytes: Uint8Array): void {
  if (bytes.length < MAGIC.length || !equalBytes(bytes.subarray(0, MAGIC.length), MAGIC)) {
    throw malformed("it does not start as one");
  }
}

/** Whether two byte strings are the same; not for secrets. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The error for a pack that no honest sender would send. */
export function malformed(why: string): FerryError {
  return new FerryError("protocol", `malformed pack: ${why}`);
}
