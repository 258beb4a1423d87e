/** What a delta takes old bytes from: one or more files end to end, which may change under it. */
import { Turns } from "../../core/turn.ts";
import { ChunkCutter, ChunkList } from "../../delta/chunk_list.ts";
import { ListFollower } from "../../delta/list_follower.ts";
import type { ChunkSizes } from "../../delta/chunker.ts";
import { type Signatures, strongHash, strongMask, weakHash } from "../../delta/signature.ts";
import type { ChunksReader } from "../../wire/chunks.ts";
import type { RangeFile } from "./range_file.ts";

const READ_BYTES = 1024 * 1024;

/** Old content, one or more files end to end as one run of bytes. */
export class Bases implements Disposable {
  readonly files: readonly RangeFile[];

  constructor(files: readonly RangeFile[]) {
    this.files = files;
  }

  /** Fills `buffer`; false when a file has become shorter. */
  read(buffer: Uint8Array, offset: number): boolean {
    for (const file of this.files) {
      const { size } = file.meta;
      if (offset < size) {
        const part = buffer.subarray(0, size - offset);
        if (file.read(part, offset) < part.length) return false;
        buffer = buffer.subarray(part.length);
        offset = size;
        if (buffer.length === 0) return true;
      }
      offset -= size;
    }
    return buffer.length === 0;
  }

  /**
   * The chunks of all files, each cut by itself, and where the list that comes in has it that they are cut. Null when
   * one of them changed.
   */
  async chunks(sizes: ChunkSizes, coming: ChunksReader, signal?: AbortSignal): Promise<ChunkList | null> {
    const list = new ChunkList();
    const turns = new Turns();
    const largest = Math.max(...this.files.map(({ meta }) => meta.size));
    const buffer = new Uint8Array(Math.min(READ_BYTES, largest));
    for (const file of this.files) {
      const follower = new ListFollower(coming.list);
      const cutter = new ChunkCutter(sizes, (length, name) => list.add(length, name), follower);
      const { size } = file.meta;
      for (let at = 0; at < size; at += buffer.length) {
        const piece = buffer.subarray(0, size - at);
        if (file.read(piece, at) < piece.length) return null;
        await coming.came(follower.at + piece.length + 2 * sizes.max);
        cutter.push(piece);
        await turns.due(signal);
      }
      cutter.finish();
    }
    return list;
  }

  /** Fills `signatures` with those of the blocks at `offsets`, which ascend; false when a file has become shorter. */
  async sign(offsets: Float64Array, signatures: Signatures, signal?: AbortSignal): Promise<boolean> {
    const { blockBytes, strongBytes } = signatures;
    const buffer = new Uint8Array(Math.max(READ_BYTES, blockBytes));
    const view = new DataView(buffer.buffer);
    const mask = strongMask(strongBytes);
    const turns = new Turns();
    let start = 0, end = 0;
    for (let i = 0; i < offsets.length; i++) {
      const offset = offsets[i];
      if (offset < start || offset + blockBytes > end) {
        // As far as the blocks reach that fit into the buffer.
        let next = i;
        while (next + 1 < offsets.length && offsets[next + 1] + blockBytes - offset <= buffer.length) next++;
        start = offset;
        end = offsets[next] + blockBytes;
        if (!this.read(buffer.subarray(0, end - start), start)) return false;
        await turns.due(signal);
      }
      signatures.weak[i] = weakHash(buffer, offset - start, blockBytes);
      const { high, low } = strongHash(view, offset - start, blockBytes);
      signatures.high[i] = high & mask.high;
      signatures.low[i] = low & mask.low;
    }
    return true;
  }

  [Symbol.dispose](): void {
    for (const file of this.files) file[Symbol.dispose]();
  }
}
