/** Gathers small files into batches for the writer, and holds the servers up when that is behind. */
import { unpackError } from "../../core/packed_error.ts";
import type { BatchResult, FileBatch, FileWriter } from "./file_batch.ts";
import type { Wanted } from "./wanted.ts";

/** What one batch takes. */
export const BATCH_BYTES = 256 * 1024;
const BATCH_FILES = 128;

/** Bytes on their way to the disk before no more are read. */
const MOST_WAITING = 2 * 1024 * 1024;

/** Pieces of memory that are kept. */
const MOST_KEPT = 8;

/** What became of one file. */
export type Written =
  | { kind: "written"; bytes: number; sha256?: string }
  | { kind: "failed"; error: Error }
  /** No ordinary file. */
  | { kind: "odd" };

export interface BatchWriterOptions {
  digests: boolean;
  /** Is told of each file, once. */
  onWritten: (wanted: Wanted, written: Written) => void;
  /** The writer itself has failed. */
  onFailure: (error: unknown) => void;
}

export class BatchWriter {
  readonly #open: () => Promise<FileWriter>;
  #writer: Promise<FileWriter> | undefined;
  readonly #options: BatchWriterOptions;
  /** Memory to be used again: garbage of this kind is collected late. */
  readonly #buffers: ArrayBuffer[] = [];
  #buffer: Uint8Array<ArrayBuffer> | undefined;
  #length = 0;
  #offsets: number[] = [];
  #files: Wanted[] = [];
  #waiting = 0;
  #batches = 0;
  #room: (() => void)[] = [];

  /** What writes is made when there is something to be written. */
  constructor(open: () => Promise<FileWriter>, options: BatchWriterOptions) {
    this.#open = open;
    this.#options = options;
  }

  /** Memory for one file of `BATCH_BYTES` at most. */
  memory(): ArrayBuffer {
    return this.#buffers.pop() ?? new ArrayBuffer(BATCH_BYTES);
  }

  /** Takes a file whose content is the beginning of what `memory` gave, and that memory. */
  addGiven(wanted: Wanted, content: Uint8Array<ArrayBuffer>): void {
    const { buffer, length } = content;
    if (length <= BATCH_BYTES / 2) {
      this.add(wanted, content);
      return this.#keep(buffer);
    }
    const memory = { buffer, offsets: new Uint32Array(1), lengths: Uint32Array.of(length) };
    this.#send([wanted], memory).then(({ buffer }) => this.#keep(buffer), this.#options.onFailure);
  }

  #keep(buffer: ArrayBuffer): void {
    if (this.#buffers.length < MOST_KEPT) this.#buffers.push(buffer);
  }

  /** Takes a file, whose content is copied. */
  add(wanted: Wanted, content: Uint8Array): void {
    if (this.#length + content.length > BATCH_BYTES || this.#files.length === BATCH_FILES) this.flush();
    this.#buffer ??= new Uint8Array(this.memory());
    this.#buffer.set(content, this.#length);
    this.#offsets.push(this.#length);
    this.#files.push(wanted);
    this.#length += content.length;
  }

  /** Sends what there is, where the writer has nothing else to do. */
  nudge(): void {
    if (this.#batches === 0) this.flush();
  }

  /** Sends what there is. */
  flush(): void {
    if (this.#buffer === undefined) return;
    const offsets = new Uint32Array(this.#offsets);
    const lengths = new Uint32Array(offsets.length);
    for (let at = 0; at < lengths.length; at++) {
      lengths[at] = (at + 1 < lengths.length ? offsets[at + 1] : this.#length) - offsets[at];
    }
    const files = this.#files;
    const { buffer } = this.#buffer;
    this.#buffer = undefined;
    this.#length = 0;
    this.#offsets = [];
    this.#files = [];
    this.#send(files, { buffer, offsets, lengths }).then(
      ({ buffer }) => this.#keep(buffer),
      this.#options.onFailure,
    );
  }

  /** Makes what writes, which takes its time, where it is certain that there will be something to be written. */
  open(): void {
    this.#writer ??= this.#open();
    this.#writer.catch(this.#options.onFailure);
  }

  /** Writes files whose contents stand in `buffer` already; gives the memory back when they are written. */
  async put(
    files: Wanted[],
    memory: Pick<FileBatch, "buffer" | "offsets" | "lengths">,
  ): Promise<ArrayBuffer | undefined> {
    try {
      return (await this.#send(files, memory)).buffer;
    } catch (error) {
      this.#options.onFailure(error);
    }
  }

  async #send(
    files: Wanted[],
    memory: Pick<FileBatch, "buffer" | "offsets" | "lengths">,
  ): Promise<BatchResult> {
    const size = memory.buffer.byteLength;
    this.#waiting += size;
    this.#batches++;
    try {
      const mtimes = files.some(({ mtime }) => mtime !== undefined)
        ? Float64Array.from(files, ({ mtime }) => mtime ?? NaN)
        : undefined;
      const paths = files.map(({ path }) => path);
      const writer = await (this.#writer ??= this.#open());
      const result = await writer.write({ ...memory, paths, mtimes, digests: this.#options.digests });
      this.#tell(files, memory.lengths, result);
      return result;
    } finally {
      this.#waiting -= size;
      this.#batches--;
      if (this.#waiting < MOST_WAITING) { for (const go of this.#room.splice(0)) go(); }
      this.nudge();
    }
  }

  #tell(files: Wanted[], lengths: Uint32Array, { faults, digests }: BatchResult): void {
    const byIndex = new Map(faults.map(({ index, error }) => [index, error]));
    for (const [index, wanted] of files.entries()) {
      const error = byIndex.get(index);
      const written: Written = error === undefined
        ? { kind: "written", bytes: lengths[index], sha256: digests?.[index] }
        : error === null
        ? { kind: "odd" }
        : { kind: "failed", error: unpackError(error) };
      this.#options.onWritten(wanted, written);
    }
  }

  /** Ends it, when what was given is done. */
  async close(): Promise<void> {
    // Why one could not be made has been told.
    const writer = await this.#writer?.catch(() => null);
    await writer?.close();
  }

  /** Waits until the writer has caught up; undefined where it has. */
  room(): Promise<void> | undefined {
    return this.#waiting < MOST_WAITING ? undefined : new Promise((resolve) => this.#room.push(resolve));
  }
}
