/**
 * The messages of a delta (docs/protocol.md, "Delta"): the list of a file's chunks, and what a receiver asks for in
 * return. Numbers are big-endian. What comes from a peer is checked here, before memory is set aside for it.
 */
import {
  chunkBitsFor,
  type ChunkSizes,
  chunkSizes,
  MAX_CHUNK_BITS,
  MIN_CHUNK_BITS,
} from "../delta/chunker.ts";
import { CHUNK_NAME_BYTES, ChunkList } from "../delta/chunk_list.ts";
import type { Range } from "../delta/match.ts";
import {
  MAX_BLOCK_BITS,
  MAX_BLOCKS,
  MAX_STRONG_BYTES,
  MIN_BLOCK_BITS,
  MIN_STRONG_BYTES,
  newSignatures,
  type Signatures,
  strongMask,
} from "../delta/signature.ts";
import { FerryError } from "../core/errors.ts";
import { MODE_MASK } from "../core/entry.ts";
import { MAX_PACK_BYTES } from "./limits.ts";
import { isTime } from "./messages.ts";
import { equalBytes, type FileTrailer, readTrailer, TRAILER_BYTES } from "./pack.ts";
import { ByteReader, type ContentMeta } from "./stream.ts";

export const CHUNKS_TYPE = "application/vnd.ferry.chunks";
export const REQUEST_TYPE = "application/vnd.ferry.signatures";
export const DELTA_TYPE = "application/vnd.ferry.delta";

const CHUNKS_MAGIC = new TextEncoder().encode("FERRYCL1");
const REQUEST_MAGIC = new TextEncoder().encode("FERRYDR1");
const CHUNKS_HEADER_BYTES = 32;
const REQUEST_HEADER_BYTES = 36;
const ENTRY_BYTES = 3 + CHUNK_NAME_BYTES;

/** The largest request for a delta. */
export const MAX_REQUEST_BYTES = MAX_PACK_BYTES;

/** Old files that one new file may be made from. */
export const MAX_BASES = 4;

/** Ranges in a request. */
export const MAX_RANGES = 2 ** 19;

/** A larger file is not cut into chunks but sent whole: its list would be too long. */
export const MAX_DELTA_FILE_BYTES = 2 ** 40;

/** The file that a list is about. */
export interface ChunksHeader {
  meta: ContentMeta;
  sizes: ChunkSizes;
}

/** A whole list. */
export interface Chunks extends ChunksHeader {
  list: ChunkList;
  /** Of the whole file. */
  sha256: Uint8Array;
}

/** The 32 bytes before the chunks. */
export function chunksHeader({ meta, sizes }: ChunksHeader): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(CHUNKS_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(CHUNKS_MAGIC);
  view.setUint8(8, sizes.bits);
  view.setUint32(12, meta.mode);
  view.setBigUint64(16, BigInt(meta.size));
  view.setFloat64(24, meta.mtime);
  return bytes;
}

/** Collects entries of chunks until they are sent. */
export class ChunkEntries {
  #bytes = new Uint8Array(4096);
  #length = 0;

  add(length: number, name: number): void {
    if (this.#length + ENTRY_BYTES > this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#bytes.length);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    const view = new DataView(this.#bytes.buffer, this.#length);
    view.setUint8(0, length >>> 16);
    view.setUint16(1, length & 0xffff);
    view.setUint8(3, Math.floor(name / 2 ** 32));
    view.setUint32(4, name % 2 ** 32);
    this.#length += ENTRY_BYTES;
  }

  /** What was added since the last call. */
  take(): Uint8Array<ArrayBuffer> {
    const bytes = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return bytes;
  }
}

/** What stands behind the chunks, as behind a file of a pack. */
export function chunksTrailer({ changed, sha256 }: FileTrailer): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(TRAILER_BYTES);
  bytes[0] = changed ? 1 : 0;
  bytes.set(sha256, 1);
  return bytes;
}

function parseHeader(bytes: Uint8Array): ChunksHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  if (!equalBytes(bytes.subarray(0, 8), CHUNKS_MAGIC)) {
    throw malformed("it does not start as a list of chunks");
  }
  const bits = view.getUint8(8);
  if (bits < MIN_CHUNK_BITS || bits > MAX_CHUNK_BITS) throw malformed("chunks of an unknown size");
  const size = Number(view.getBigUint64(16)), mtime = view.getFloat64(24);
  if (size > MAX_DELTA_FILE_BYTES || !isTime(mtime)) throw malformed("an absurd size or time");
  // Else the list of a large file could be many times as long as it has to be.
  if (bits < chunkBitsFor(size)) throw malformed("chunks that are too small for so large a file");
  return { meta: { size, mtime, mode: view.getUint32(12) & MODE_MASK }, sizes: chunkSizes(bits) };
}

/** Reads a list from a stream: the header first, so that the reader can go to work while the rest is on its way. */
export class ChunksReader {
  readonly #input: ByteReader;

  constructor(body: ReadableStream<Uint8Array>) {
    this.#input = new ByteReader(body);
  }

  async header(): Promise<ChunksHeader> {
    return parseHeader(await this.#input.take(CHUNKS_HEADER_BYTES));
  }

  /** What follows `header`. Null when the file changed while it was read. */
  async rest({ meta, sizes }: ChunksHeader): Promise<Chunks | null> {
    const list = new ChunkList();
    let kept = new Uint8Array(0);
    while (list.bytes < meta.size) {
      // As many as there can still be in the fewest: what was read too far would be missing in the trailer.
      const fewest = Math.ceil((meta.size - list.bytes) / sizes.max) * ENTRY_BYTES;
      const part = await this.#input.some(fewest - kept.length);
      let bytes = part;
      if (kept.length > 0) {
        bytes = new Uint8Array(kept.length + part.length);
        bytes.set(kept);
        bytes.set(part, kept.length);
      }
      const whole = bytes.length - bytes.length % ENTRY_BYTES;
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (let at = 0; at < whole; at += ENTRY_BYTES) {
        const length = view.getUint8(at) * 65536 + view.getUint16(at + 1);
        const last = list.bytes + length === meta.size;
        if (length > sizes.max || length < (last ? 1 : sizes.min) || list.bytes + length > meta.size) {
          throw malformed("a chunk of a length that no chunk has");
        }
        list.add(length, view.getUint8(at + 3) * 2 ** 32 + view.getUint32(at + 4));
      }
      kept = bytes.slice(whole);
    }
    const { changed, sha256 } = readTrailer(await this.#input.take(TRAILER_BYTES));
    return changed ? null : { meta, sizes, list, sha256 };
  }

  cancel(): Promise<void> {
    return this.#input.cancel();
  }
}

/** The header of a list, and the whole list as if nothing had been read. Throws `protocol`. */
export async function peekHeader(
  body: ReadableStream<Uint8Array>,
): Promise<{ header: ChunksHeader; body: ReadableStream<Uint8Array> }> {
  const reader = body.getReader();
  let start = new Uint8Array(0);
  while (start.length < CHUNKS_HEADER_BYTES) {
    const { value, done } = await reader.read();
    if (done) throw malformed("a list of chunks that ends early");
    const longer = new Uint8Array(start.length + value.length);
    longer.set(start);
    longer.set(value, start.length);
    start = longer;
  }
  try {
    const header = parseHeader(start);
    let first: Uint8Array | null = start;
    const again = new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        const { value, done } = first === null ? await reader.read() : { value: first, done: false };
        first = null;
        if (done || value === undefined) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    }, { highWaterMark: 0 });
    return { header, body: again };
  } catch (error) {
    await reader.cancel();
    throw error;
  }
}

/** What a receiver asks for: ranges of the new file, and signatures of what it has near to them. */
export interface DeltaRequest {
  /** The version that the ranges are of. */
  size: number;
  mtime: number;
  /** The ways of compression that it can undo, as bits: `1 << codec`. */
  codecs: number;
  ranges: Range[];
  signatures: Signatures;
}

/** A request as bytes. */
export function encodeRequest(request: DeltaRequest): Uint8Array<ArrayBuffer> {
  const { ranges, signatures } = request;
  const { count, strongBytes, blockBytes } = signatures;
  const numbers = new Uint8Array(ranges.length * 16);
  let length = 0, end = 0;
  const number = (value: number) => {
    for (; value >= 128; value = Math.floor(value / 128)) numbers[length++] = value % 128 | 128;
    numbers[length++] = value;
  };
  for (const range of ranges) {
    number(range.start - end);
    number(range.length);
    end = range.start + range.length;
  }
  const bytes = new Uint8Array(REQUEST_HEADER_BYTES + length + count * (4 + strongBytes));
  const view = new DataView(bytes.buffer);
  bytes.set(REQUEST_MAGIC);
  view.setUint8(8, request.codecs);
  view.setUint8(9, Math.log2(blockBytes));
  view.setUint8(10, strongBytes);
  view.setBigUint64(12, BigInt(request.size));
  view.setFloat64(20, request.mtime);
  view.setUint32(28, ranges.length);
  view.setUint32(32, count);
  bytes.set(numbers.subarray(0, length), REQUEST_HEADER_BYTES);
  let at = REQUEST_HEADER_BYTES + length;
  for (let i = 0; i < count; i++) {
    view.setUint32(at, signatures.weak[i]);
    at += 4;
    for (let byte = 0; byte < strongBytes; byte++) {
      const half = byte < 4 ? signatures.high[i] : signatures.low[i];
      bytes[at++] = half >>> (24 - 8 * (byte % 4));
    }
  }
  return bytes;
}

/** Reads a request. Throws `protocol`. */
export function parseRequest(bytes: Uint8Array): DeltaRequest {
  if (bytes.length < REQUEST_HEADER_BYTES || !equalBytes(bytes.subarray(0, 8), REQUEST_MAGIC)) {
    throw malformed("it does not start as a request");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const blockBits = view.getUint8(9), strongBytes = view.getUint8(10);
  const size = Number(view.getBigUint64(12)), mtime = view.getFloat64(20);
  const rangeCount = view.getUint32(28), count = view.getUint32(32);
  if (blockBits < MIN_BLOCK_BITS || blockBits > MAX_BLOCK_BITS) throw malformed("blocks of an unknown size");
  if (strongBytes < MIN_STRONG_BYTES || strongBytes > MAX_STRONG_BYTES) throw malformed("an unknown hash");
  if (size > MAX_DELTA_FILE_BYTES || !isTime(mtime)) throw malformed("an absurd size or time");
  if (rangeCount > MAX_RANGES || count > MAX_BLOCKS) throw malformed("too many ranges or blocks");
  const ranges: Range[] = [];
  let at = REQUEST_HEADER_BYTES;
  const number = () => {
    let value = 0;
    for (let factor = 1; factor < 2 ** 49; factor *= 128) {
      if (at === bytes.length) throw malformed("it ends early");
      const byte = bytes[at++];
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    throw malformed("a number past 2^49");
  };
  for (let end = 0; ranges.length < rangeCount;) {
    const start = end + number(), length = number();
    end = start + length;
    if (length === 0 || end > size) throw malformed("a range that is not in the file");
    ranges.push({ start, length });
  }
  if (bytes.length - at !== count * (4 + strongBytes)) throw malformed("its length does not fit");
  const signatures = newSignatures(count, 1 << blockBits, strongBytes);
  const mask = strongMask(strongBytes);
  for (let i = 0; i < count; i++) {
    signatures.weak[i] = view.getUint32(at);
    at += 4;
    let high = 0, low = 0;
    for (let byte = 0; byte < strongBytes; byte++) {
      if (byte < 4) high |= bytes[at++] << (24 - 8 * byte);
      else low |= bytes[at++] << (56 - 8 * byte);
    }
    signatures.high[i] = high & mask.high;
    signatures.low[i] = low & mask.low;
  }
  return { size, mtime, codecs: view.getUint8(8), ranges, signatures };
}

export function malformed(why: string): FerryError {
  return new FerryError("protocol", `malformed delta: ${why}`);
}
