/**
 * The body of a delta: 8 bytes of magic, then blocks of instructions, each compressed by itself, and an end. A block
 * starts with 12 bytes: how it is compressed (1 byte, 0 for the end), three zeros, its length when it is expanded, and
 * its length as it travels. Behind the end comes the trailer of the whole file. A block of kind 4, of zeros, says only
 * that the sender is still reading; it is so long that it is no drip (client/fetch/watch.ts).
 */
import { type Instruction, InstructionReader, MAX_INSTRUCTION_BYTES } from "../delta/instructions.ts";
import { compress, expand } from "./codec.ts";
import { malformed } from "./delta.ts";
import { equalBytes } from "./pack.ts";
import { MAX_HEARTBEATS } from "./limits.ts";
import { ByteReader } from "./stream.ts";
import { type FileTrailer, readTrailer, TRAILER_BYTES, trailerBytes } from "./trailer.ts";

const MAGIC = new TextEncoder().encode("FERRYDL1");
const HEADER_BYTES = 12;
const END = 0;
const READING = 4;
const READING_BYTES = 16 * 1024;

/** What begins a body. */
export function deltaHead(): Uint8Array<ArrayBuffer> {
  return MAGIC.slice();
}

/** A block of instructions as it travels to a receiver that understands `codecs`. */
export async function deltaBlock(block: Uint8Array, codecs: number): Promise<Uint8Array<ArrayBuffer>> {
  const { codec, bytes } = await compress(block, codecs);
  return framed(codec, block.length, bytes);
}

/** What is sent while nothing else is, every `HEARTBEAT_MS`. */
export function deltaReading(): Uint8Array<ArrayBuffer> {
  return framed(READING, 0, new Uint8Array(READING_BYTES));
}

/** What ends a body; the digest is the SHA-256 of the whole file. */
export function deltaEnd(trailer: FileTrailer): Uint8Array<ArrayBuffer> {
  return framed(END, 0, trailerBytes(trailer), 0);
}

function framed(
  kind: number,
  length: number,
  bytes: Uint8Array,
  travels = bytes.length,
): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(HEADER_BYTES + bytes.length);
  const view = new DataView(frame.buffer);
  view.setUint8(0, kind);
  view.setUint32(4, length);
  view.setUint32(8, travels);
  frame.set(bytes, HEADER_BYTES);
  return frame;
}

/** Reads a body, block by block. Throws `protocol` for what is not one. */
export class DeltaReader {
  readonly #input: ByteReader;
  readonly #instructions: InstructionReader;
  #started = false;
  #trailer: FileTrailer | null = null;

  /** `blocks` is how many blocks of its own the receiver named. */
  constructor(body: ReadableStream<Uint8Array>, blocks: number) {
    this.#input = new ByteReader(body);
    this.#instructions = new InstructionReader(blocks);
  }

  /** The instructions of the next block, or null at the end. */
  async next(): Promise<Iterator<Instruction> | null> {
    if (!this.#started && !equalBytes(await this.#input.take(MAGIC.length), MAGIC)) {
      throw malformed("it does not start as one");
    }
    this.#started = true;
    let { kind, length, travels } = await this.#header();
    for (let readings = 0; kind === READING; readings++) {
      if (length !== 0 || travels !== READING_BYTES) throw malformed("a block of an unknown kind");
      if (readings === MAX_HEARTBEATS) throw malformed("it says nothing");
      await this.#input.take(travels);
      ({ kind, length, travels } = await this.#header());
    }
    if (kind === END) {
      if (length !== 0 || travels !== 0) throw malformed("its end does not fit");
      this.#trailer = readTrailer(await this.#input.take(TRAILER_BYTES));
      return null;
    }
    if (length > MAX_INSTRUCTION_BYTES || travels > length) throw malformed("a block that is too long");
    const bytes = await this.#input.take(travels);
    let block: Uint8Array;
    try {
      block = await expand(kind, bytes, length);
    } catch {
      throw malformed("a block that cannot be expanded");
    }
    return this.#instructions.read(block);
  }

  async #header() {
    const header = await this.#input.take(HEADER_BYTES);
    const view = new DataView(header.buffer);
    if (view.getUint32(0) % 0x1000000 !== 0) throw malformed("reserved bits");
    return { kind: view.getUint8(0), length: view.getUint32(4), travels: view.getUint32(8) };
  }

  /** After the end: what the sender says of the whole file. */
  get trailer(): FileTrailer | null {
    return this.#trailer;
  }

  cancel(): Promise<void> {
    return this.#input.cancel();
  }
}
