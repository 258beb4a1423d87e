/**
 * Holes of sparse files: long stretches of zeros that the file system does not keep. They neither travel nor are
 * written. In a frame marked as sparse each piece of content stands behind 8 bytes: how many zeros come before it, and
 * how many bytes it has. Digests and sizes are those of the whole content, zeros among it.
 */
import { Buffer } from "node:buffer";
import { malformed } from "./pack.ts";

/** The unit in which holes are looked for, that of most file systems. */
const BLOCK_BYTES = 4096;

/** Zeros before a piece, and bytes of it, at most: so a few bytes cannot make a receiver work for long. */
export const MAX_RUN_BYTES = 4 * 1024 * 1024;

export const RUN_HEADER_BYTES = 8;

const ZEROS = new Uint8Array(1024 * 1024);

/** Up to `length` zeros; not to be written to. */
export function zeros(length: number): Uint8Array {
  return ZEROS.subarray(0, length);
}

/** A stretch of content: zeros, or not only zeros. */
export interface Run {
  hole: boolean;
  bytes: Uint8Array;
}

/** Cuts `chunk` into stretches of zeros, whole blocks long, and others. */
export function* runsOf(chunk: Uint8Array): Generator<Run> {
  if (chunk.length > 0 && isZero(chunk)) return yield { hole: true, bytes: chunk };
  let start = 0;
  let hole = false;
  for (let at = 0; at < chunk.length; at += BLOCK_BYTES) {
    const empty = isZero(chunk.subarray(at, at + BLOCK_BYTES));
    if (empty !== hole && at > start) {
      yield { hole, bytes: chunk.subarray(start, at) };
      start = at;
    }
    hole = empty;
  }
  if (start < chunk.length) yield { hole, bytes: chunk.subarray(start) };
}

function isZero(bytes: Uint8Array): boolean {
  if (bytes[0] !== 0 || bytes[bytes.length - 1] !== 0 || bytes.length > ZEROS.length) return false;
  return bytes.buffer === ZEROS.buffer || Buffer.compare(bytes, zeros(bytes.length)) === 0;
}

/** `chunk` as it stands in a sparse frame. */
export function encodeRuns(chunk: Uint8Array): Uint8Array<ArrayBuffer> {
  const pieces: { hole: number; bytes: Uint8Array }[] = [];
  let hole = 0;
  for (const run of runsOf(chunk)) {
    if (run.hole) hole = run.bytes.length;
    else {
      pieces.push({ hole, bytes: run.bytes });
      hole = 0;
    }
  }
  if (hole > 0) pieces.push({ hole, bytes: zeros(0) });
  const size = pieces.reduce((sum, { bytes }) => sum + RUN_HEADER_BYTES + bytes.length, 0);
  const encoded = new Uint8Array(size);
  const view = new DataView(encoded.buffer);
  let at = 0;
  for (const { hole, bytes } of pieces) {
    view.setUint32(at, hole);
    view.setUint32(at + 4, bytes.length);
    encoded.set(bytes, at + RUN_HEADER_BYTES);
    at += RUN_HEADER_BYTES + bytes.length;
  }
  return encoded;
}

/** Reads what stands before a piece; `left` is how much of the content is still to come. Throws `protocol`. */
export function readRun(header: DataView, left: number): { hole: number; data: number } {
  const [hole, data] = [header.getUint32(0), header.getUint32(4)];
  if (hole + data === 0 || hole + data > left || hole > MAX_RUN_BYTES || data > MAX_RUN_BYTES) {
    throw malformed("a hole that does not fit");
  }
  return { hole, data };
}
