/**
 * The list of a file's chunks, the first message of a delta (docs/protocol.md, "Delta"). Numbers are big-endian. What
 * comes from a peer is checked here, before memory is set aside for it.
 */
import { MODE_MASK } from "../core/entry.ts";
import {
  chunkBitsFor,
  type ChunkSizes,
  chunkSizes,
  MAX_CHUNK_BITS,
  MIN_CHUNK_BITS,
} from "../delta/chunker.ts";
import { CHUNK_NAME_BYTES, ChunkList } from "../delta/chunk_list.ts";
import { malformed, MAX_DELTA_FILE_BYTES } from "./delta.ts";
import { isTime } from "./fields.ts";
import { equalBytes } from "./pack.ts";
import { ByteReader, type ContentMeta } from "./stream.ts";

const MAGIC = new TextEncoder().encode("FERRYCL1");
const HEADER_BYTES = 32;
const ENTRY_BYTES = 3 + CHUNK_NAME_BYTES;

/** The file that a list is about. */
export interface ChunksHeader {
  meta: ContentMeta;
  sizes: ChunkSizes;
}

/** A whole list. */
export interface Chunks extends ChunksHeader {
  list: ChunkList;
}

/** The 32 bytes before the chunks. */
export function chunksHeader({ meta, sizes }: ChunksHeader): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
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

/** The byte behind the chunks: whether the file changed while it was read. */
export function chunksEnd(changed: boolean): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(changed ? 1 : 0);
}

function parseHeader(bytes: Uint8Array): ChunksHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  if (!equalBytes(bytes.subarray(0, 8), MAGIC)) {
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
  /** What has come. */
  readonly list = new ChunkList();
  #ended = false;
  #waiting: { bytes: number; resolve(): void } | null = null;

  constructor(body: ReadableStream<Uint8Array>) {
    this.#input = new ByteReader(body);
  }

  async header(): Promise<ChunksHeader> {
    return parseHeader(await this.#input.take(HEADER_BYTES));
  }

  /** What follows `header`. Null when the file changed while it was read. */
  async rest(header: ChunksHeader): Promise<Chunks | null> {
    try {
      return await this.#rest(header);
    } finally {
      this.#ended = true;
      this.#waiting?.resolve();
    }
  }

  /** Waits until the list has come for so many bytes of the file, or no more of it comes; for one at a time. */
  async came(bytes: number): Promise<void> {
    if (this.#ended || this.list.bytes >= bytes) return;
    await new Promise<void>((resolve) => this.#waiting = { bytes, resolve });
    this.#waiting = null;
  }

  async #rest({ meta, sizes }: ChunksHeader): Promise<Chunks | null> {
    const { list } = this;
    let kept = new Uint8Array(0);
    while (list.bytes < meta.size) {
      // As many as there can still be in the fewest: the end must not be read with them.
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
      if (this.#waiting !== null && list.bytes >= this.#waiting.bytes) this.#waiting.resolve();
    }
    const [changed] = await this.#input.take(1);
    if (changed > 1) throw malformed("an unknown end of a list of chunks");
    return changed === 1 ? null : { meta, sizes, list };
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
  while (start.length < HEADER_BYTES) {
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
