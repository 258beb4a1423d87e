/**
 * The body of a delta: 8 bytes of magic, then blocks of instructions, each compressed by itself, and an end. A block
 * starts with 12 bytes: how it is compressed (1 byte, 0 for the end), three zeros, its length when it is expanded, and
 * its length as it travels. In the end the first of the two lengths is 0 when the file stayed the same while it was
 * read and 1 when it did not.
 */
import { type Instruction, InstructionReader, MAX_INSTRUCTION_BYTES } from "../delta/instructions.ts";
import { compress, expand } from "./codec.ts";
import { malformed } from "./delta.ts";
import { equalBytes } from "./pack.ts";
import { ByteReader } from "./stream.ts";

const MAGIC = new TextEncoder().encode("FERRYDL1");
const HEADER_BYTES = 12;
const END = 0;

/** What begins a body. */
export function deltaHead(): Uint8Array<ArrayBuffer> {
  return MAGIC.slice();
}

/** A block of instructions as it travels to a receiver that understands `codecs`. */
export async function deltaBlock(block: Uint8Array, codecs: number): Promise<Uint8Array<ArrayBuffer>> {
  const { codec, bytes } = await compress(block, codecs);
  return framed(codec, block.length, bytes);
}

/** What ends a body. */
export function deltaEnd(changed: boolean): Uint8Array<ArrayBuffer> {
  return framed(END, changed ? 1 : 0, new Uint8Array(0));
}

function framed(kind: number, length: number, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(HEADER_BYTES + bytes.length);
  const view = new DataView(frame.buffer);
  view.setUint8(0, kind);
  view.setUint32(4, length);
  view.setUint32(8, bytes.length);
  frame.set(bytes, HEADER_BYTES);
  return frame;
}

/** Reads a body, block by block. Throws `protocol` for what is not one. */
export class DeltaReader {
  readonly #input: ByteReader;
  readonly #instructions: InstructionReader;
  #started = false;
  #changed = false;

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
    const header = await this.#input.take(HEADER_BYTES);
    const view = new DataView(header.buffer);
    const kind = view.getUint8(0), length = view.getUint32(4), travels = view.getUint32(8);
    if (view.getUint32(0) % 0x1000000 !== 0) throw malformed("reserved bits");
    if (kind === END) {
      if (length > 1 || travels !== 0) throw malformed("its end does not fit");
      this.#changed = length === 1;
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

  /** After the end: whether the file changed while it was read. */
  get changed(): boolean {
    return this.#changed;
  }

  cancel(): Promise<void> {
    return this.#input.cancel();
  }
}
