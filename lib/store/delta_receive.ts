/**
 * The receiver's side of a delta: finds in what it has the chunks of a file that is to come, asks for what is missing,
 * and puts the file together. What comes out is a content like any other: staged, and used only when its SHA-256 is
 * the one that the sender gave for the whole file.
 */
import * as crypto from "node:crypto";
import type { Range } from "../delta/match.ts";
import { type Copy, matchChunks } from "../delta/match.ts";
import type { ChunkSizes } from "../delta/chunker.ts";
import { ChunkCutter, ChunkList } from "../delta/chunk_list.ts";
import type { Instruction } from "../delta/instructions.ts";
import {
  blockBitsFor,
  blockOffsets,
  MAX_BLOCKS,
  newSignatures,
  type Signatures,
  strongBytesFor,
  strongHash,
  strongMask,
  weakHash,
} from "../delta/signature.ts";
import { CODECS } from "../wire/codec.ts";
import { type Chunks, ChunksReader } from "../wire/chunks.ts";
import { malformed, MAX_RANGES, MAX_REQUEST_BYTES } from "../wire/delta.ts";
import { encodeRequest } from "../wire/delta_request.ts";
import { DeltaReader } from "../wire/delta_body.ts";
import type { Outcome } from "../wire/messages.ts";
import { equalBytes } from "../wire/pack.ts";
import type { Content, ContentMeta, Rest } from "../wire/stream.ts";
import type { WantedChunks } from "./delta.ts";
import { turn, TURN_BYTES } from "./delta_send.ts";
import { RangeFile } from "./range_file.ts";
import type { StrictPaths } from "./root.ts";

const READ_BYTES = 1024 * 1024;

/** Old content, one or more files end to end as one run of bytes. */
class Bases implements Disposable {
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

  /** The chunks of all files, each cut by itself. Null when one of them changed. */
  async chunks(sizes: ChunkSizes, signal?: AbortSignal): Promise<ChunkList | null> {
    const list = new ChunkList();
    const largest = Math.max(...this.files.map(({ meta }) => meta.size));
    const buffer = new Uint8Array(Math.min(READ_BYTES, largest));
    for (const file of this.files) {
      const cutter = new ChunkCutter(sizes, (length, name) => list.add(length, name));
      const { size } = file.meta;
      for (let at = 0; at < size; at += buffer.length) {
        const piece = buffer.subarray(0, size - at);
        if (file.read(piece, at) < piece.length) return null;
        cutter.push(piece);
        if (at % TURN_BYTES === 0) await turn(signal);
      }
      cutter.finish();
    }
    return list;
  }

  async sign(offsets: Float64Array, signatures: Signatures, signal?: AbortSignal): Promise<boolean> {
    const { blockBytes, strongBytes } = signatures;
    const buffer = new Uint8Array(Math.max(READ_BYTES, blockBytes));
    const view = new DataView(buffer.buffer);
    const mask = strongMask(strongBytes);
    let start = 0, end = 0, untilTurn = TURN_BYTES;
    for (let i = 0; i < offsets.length; i++) {
      const offset = offsets[i];
      if (offset < start || offset + blockBytes > end) {
        // As far as the blocks reach that fit into the buffer.
        let next = i;
        while (next + 1 < offsets.length && offsets[next + 1] + blockBytes - offset <= buffer.length) next++;
        start = offset;
        end = offsets[next] + blockBytes;
        if (!this.read(buffer.subarray(0, end - start), start)) return false;
        untilTurn -= end - start;
      }
      signatures.weak[i] = weakHash(buffer, offset - start, blockBytes);
      const { high, low } = strongHash(view, offset - start, blockBytes);
      signatures.high[i] = high & mask.high;
      signatures.low[i] = low & mask.low;
      if (untilTurn > 0) continue;
      untilTurn = TURN_BYTES;
      await turn(signal);
    }
    return true;
  }

  [Symbol.dispose](): void {
    for (const file of this.files) file[Symbol.dispose]();
  }
}

/** A file that is known to be put together from old bytes and what a sender is asked for. */
export interface Assembly extends Disposable {
  meta: ContentMeta;
  /** What to ask the sender for. */
  request: Uint8Array<ArrayBuffer>;
  /** The file, once the answer comes. Disposes of the assembly at its end. */
  content(answer: ReadableStream<Uint8Array>, signal?: AbortSignal): Content;
}

export interface AssembleOptions {
  paths: StrictPaths;
  /** How many bytes an earlier attempt has left of this version. */
  begun(meta: ContentMeta): Promise<number>;
}

/**
 * Reads a list of chunks and looks for them in old files. Null when there is nothing to look in, or when a
 * delta is not possible: then the whole file has to come. Throws `protocol` for what is not a list.
 */
export async function assemble(
  wanted: WantedChunks,
  { paths, begun }: AssembleOptions,
): Promise<Assembly | null> {
  const { bases, guess, signal } = wanted;
  const reader = new ChunksReader(wanted.chunks);
  const files = bases.map((path) => RangeFile.open(paths, path)).filter((file) => file.kind === "ranges");
  const old = new Bases(files);
  let assembly: Assembly | null = null;
  try {
    const header = await reader.header();
    if (files.every(({ meta }) => meta.size === 0)) return null;
    // Both at once: the sender reads its file while this side reads its own.
    const coming = reader.rest(header);
    coming.catch(() => {});
    const there = await old.chunks(header.sizes, signal);
    const chunks = await coming;
    if (there !== null && chunks !== null) {
      assembly = await plan({ chunks, there, old, begun: await begun(chunks.meta) }, { guess, signal });
    }
    return assembly;
  } finally {
    await reader.cancel();
    if (assembly === null) old[Symbol.dispose]();
  }
}

async function plan(
  { chunks, there, old, begun }: { chunks: Chunks; there: ChunkList; old: Bases; begun: number },
  { guess, signal }: Pick<WantedChunks, "guess" | "signal">,
): Promise<Assembly | null> {
  const { meta } = chunks;
  const { start, copies, missing, near } = matchChunks(chunks.list, there, begun);
  if (guess && copies.length === 0) return null;
  const sum = (ranges: readonly Range[]) => ranges.reduce((sum, { length }) => sum + length, 0);
  const blockBytes = 1 << blockBitsFor(sum(near));
  const offsets = blockOffsets(near, blockBytes);
  if (missing.length > MAX_RANGES || offsets.length > MAX_BLOCKS) return null;
  const strongBytes = strongBytesFor(offsets.length, sum(missing));
  const signatures = newSignatures(offsets.length, blockBytes, strongBytes);
  if (!await old.sign(offsets, signatures, signal)) return null;
  const { size, mtime } = meta;
  const request = encodeRequest({ size, mtime, codecs: CODECS, ranges: missing, signatures });
  if (request.length > MAX_REQUEST_BYTES) return null;
  const parts: Parts = { start, copies, missing, offsets, blockBytes };
  return {
    meta,
    request,
    content: (answer, signal) =>
      new AssembledContent({ meta, sha256: chunks.sha256, parts, old, signal }, answer),
    [Symbol.dispose]: () => old[Symbol.dispose](),
  };
}

/** How the parts of a file lie: chunks that are copied, ranges that instructions fill, and the blocks these name. */
interface Parts {
  /** What lies before is there already. */
  start: number;
  copies: readonly Copy[];
  missing: readonly Range[];
  offsets: Float64Array;
  blockBytes: number;
}

interface Planned {
  meta: ContentMeta;
  sha256: Uint8Array;
  parts: Parts;
  old: Bases;
  signal: AbortSignal | undefined;
}

class AssembledContent implements Content {
  readonly kind = "content";
  readonly meta: ContentMeta;
  readonly rest: Rest | undefined;
  readonly #planned: Planned;
  readonly #answer: DeltaReader;
  readonly #hash = crypto.createHash("sha256");
  readonly #buffer: Uint8Array;
  #untilTurn = TURN_BYTES;
  #at: number;
  #nextCopy = 0;
  #nextMissing = 0;
  /** What is left of the range that is being filled. */
  #left = 0;
  /** Old bytes that are being copied. */
  #from = 0;
  #copying = 0;
  #instructions: Iterator<Instruction> | null = null;
  /** What is left of a literal that goes on in the next range. */
  #literal: Uint8Array = new Uint8Array(0);
  /** Blocks of the copy instruction under way. */
  #block = 0;
  #blocks = 0;
  #outcome: Outcome = { code: "missing", message: "its content did not come whole" };

  constructor(planned: Planned, answer: ReadableStream<Uint8Array>) {
    this.#planned = planned;
    this.meta = planned.meta;
    this.#buffer = new Uint8Array(Math.min(READ_BYTES, planned.meta.size));
    this.#at = planned.parts.start;
    if (this.#at > 0) {
      const seed = (bytes: Uint8Array) => void this.#hash.update(bytes);
      this.rest = { kind: "peer", offset: this.#at, seed, digest: () => planned.sha256 };
    }
    this.#answer = new DeltaReader(answer, planned.parts.offsets.length);
  }

  async next(): Promise<Uint8Array | null> {
    if (this.#untilTurn <= 0) {
      this.#untilTurn = TURN_BYTES;
      await turn(this.#planned.signal);
    }
    const bytes = await this.#take();
    if (bytes === null) return null;
    this.#untilTurn -= bytes.length;
    this.#hash.update(bytes);
    this.#at += bytes.length;
    return bytes;
  }

  async #take(): Promise<Uint8Array | null> {
    const { copies, missing } = this.#planned.parts;
    for (;;) {
      if (this.#copying > 0) return this.#copy();
      if (this.#left > 0) {
        const literal = await this.#instruction();
        if (literal !== null) return literal;
        if (this.#copying > 0) continue;
        return null;
      }
      if (this.#at === this.meta.size) return await this.#finish();
      if (copies[this.#nextCopy]?.to === this.#at) {
        const { from, length } = copies[this.#nextCopy++];
        this.#from = from;
        this.#copying = length;
      } else {
        this.#left = missing[this.#nextMissing++].length;
      }
    }
  }

  /** The next piece of old bytes; null when they are no longer there. */
  #copy(): Uint8Array | null {
    const piece = this.#buffer.subarray(0, this.#copying);
    if (!this.#planned.old.read(piece, this.#from)) {
      this.#outcome = { code: "changed", message: "the old version changed while it was read" };
      return null;
    }
    this.#from += piece.length;
    this.#copying -= piece.length;
    return piece;
  }

  /** The bytes of a literal, or null after a copy was begun. */
  async #instruction(): Promise<Uint8Array | null> {
    if (this.#literal.length > 0) return this.#takeLiteral();
    if (this.#blocks === 0) {
      let step = this.#instructions?.next();
      while (step === undefined || step.done) {
        this.#instructions = await this.#answer.next();
        if (this.#instructions === null) throw malformed("it ends before the file does");
        step = this.#instructions.next();
      }
      const instruction = step.value;
      if (instruction.kind === "literal") {
        this.#literal = instruction.bytes;
        return this.#takeLiteral();
      }
      this.#block = instruction.block;
      this.#blocks = instruction.count;
    }
    const { offsets, blockBytes } = this.#planned.parts;
    // Blocks that lie end to end are copied together; a range that they go beyond is filled first.
    const first = this.#block, most = Math.min(this.#blocks, Math.floor(this.#left / blockBytes));
    if (most === 0) throw malformed("a block across the end of a range");
    let count = 1;
    while (count < most && offsets[first + count] === offsets[first] + count * blockBytes) count++;
    this.#block += count;
    this.#blocks -= count;
    this.#from = offsets[first];
    this.#copying = count * blockBytes;
    this.#left -= this.#copying;
    return null;
  }

  #takeLiteral(): Uint8Array {
    const bytes = this.#literal.subarray(0, this.#left);
    this.#literal = this.#literal.subarray(bytes.length);
    this.#left -= bytes.length;
    return bytes;
  }

  async #finish(): Promise<null> {
    const more = await this.#answer.next();
    if (more !== null || this.#blocks > 0 || this.#literal.length > 0) {
      throw malformed("it goes on behind the file's end");
    }
    if (this.#answer.changed) this.#outcome = { code: "changed", message: "it changed while it was read" };
    else if (equalBytes(this.#hash.digest(), this.#planned.sha256)) this.#outcome = null;
    else this.#outcome = { code: "bad_content", message: "its content does not match its digest" };
    return null;
  }

  outcome(): Outcome {
    return this.#outcome;
  }

  [Symbol.dispose](): void {
    this.#answer.cancel();
    this.#planned.old[Symbol.dispose]();
  }
}
