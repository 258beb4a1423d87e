/**
 * Copy-or-literal instructions. They travel in blocks that can each be read by themselves: 4 bytes with the length of
 * the steps, the steps, and the literal bytes that they take. A step is a variable-length number `n`, seven bits a
 * byte, the lowest first: an even one takes the next `n / 2` literal bytes; an odd one copies `(n - 1) / 2` blocks that
 * follow each other, and a second number says which is the first: its distance from the one expected, which is the one
 * behind the last copied, as a zigzag number.
 */
import { FerryError } from "../core/errors.ts";
import type { Findings } from "./search.ts";

/** One step in putting a range together. */
export type Instruction =
  | { kind: "literal"; bytes: Uint8Array }
  | { kind: "copy"; block: number; count: number };

/** Literal bytes in a block, at most. */
export const MAX_LITERAL_BYTES = 4 * 1024 * 1024;

/** Bytes of steps in a block, at most. */
const MAX_STEP_BYTES = 256 * 1024;

/** The longest block. */
export const MAX_INSTRUCTION_BYTES = 4 + MAX_LITERAL_BYTES + MAX_STEP_BYTES;

/** The longest step: two numbers of up to 53 bits. */
const STEP_BYTES = 16;

/** Puts findings into blocks. */
export class InstructionWriter implements Findings {
  readonly #done: (block: Uint8Array<ArrayBuffer>) => void;
  readonly #literals: Uint8Array;
  readonly #steps = new Uint8Array(MAX_STEP_BYTES);
  #literalBytes = 0;
  #stepBytes = 0;
  /** Literal bytes and blocks that have no step yet; never both. */
  #pending = 0;
  #first = 0;
  #count = 0;
  #expected = 0;

  /** `done` is given each block; `expected` is how many bytes there are at most, where that is known. */
  constructor(done: (block: Uint8Array<ArrayBuffer>) => void, expected = Infinity) {
    this.#done = done;
    this.#literals = new Uint8Array(Math.min(MAX_LITERAL_BYTES, Math.max(1, expected)));
  }

  literal(bytes: Uint8Array): void {
    this.#endCopy();
    for (let at = 0; at < bytes.length;) {
      if (this.#literalBytes === this.#literals.length) this.flush();
      const part = bytes.subarray(at, at + this.#literals.length - this.#literalBytes);
      this.#literals.set(part, this.#literalBytes);
      this.#literalBytes += part.length;
      this.#pending += part.length;
      at += part.length;
    }
  }

  copy(block: number): void {
    this.#endLiteral();
    if (this.#count > 0 && this.#first + this.#count === block) {
      this.#count++;
      return;
    }
    this.#endCopy();
    this.#first = block;
    this.#count = 1;
  }

  /** Gives what is there as a block. */
  flush(): void {
    this.#endLiteral();
    this.#endCopy();
    this.#give();
  }

  #endLiteral(): void {
    if (this.#pending === 0) return;
    this.#number(2 * this.#pending);
    this.#pending = 0;
    this.#roomForStep();
  }

  #endCopy(): void {
    if (this.#count === 0) return;
    const distance = this.#first - this.#expected;
    this.#number(2 * this.#count + 1);
    this.#number(distance >= 0 ? 2 * distance : -2 * distance - 1);
    this.#expected = this.#first + this.#count;
    this.#count = 0;
    this.#roomForStep();
  }

  #roomForStep(): void {
    if (this.#stepBytes > MAX_STEP_BYTES - STEP_BYTES) this.#give();
  }

  #give(): void {
    if (this.#stepBytes === 0) return;
    const block = new Uint8Array(4 + this.#stepBytes + this.#literalBytes);
    new DataView(block.buffer).setUint32(0, this.#stepBytes);
    block.set(this.#steps.subarray(0, this.#stepBytes), 4);
    block.set(this.#literals.subarray(0, this.#literalBytes), 4 + this.#stepBytes);
    this.#stepBytes = this.#literalBytes = 0;
    this.#done(block);
  }

  #number(value: number): void {
    for (; value >= 128; value = Math.floor(value / 128)) this.#steps[this.#stepBytes++] = value % 128 | 128;
    this.#steps[this.#stepBytes++] = value;
  }
}

/** Reads blocks of instructions. `blocks` is how many the receiver named; everything else is refused as `protocol`. */
export class InstructionReader {
  readonly #blocks: number;
  #expected = 0;

  constructor(blocks: number) {
    this.#blocks = blocks;
  }

  /** The instructions of one block; literals are views of it. */
  *read(block: Uint8Array): Generator<Instruction> {
    if (block.length < 4) throw malformed("a block that is too short");
    const steps = new DataView(block.buffer, block.byteOffset, 4).getUint32(0);
    const end = 4 + steps;
    if (steps > MAX_STEP_BYTES || end > block.length) throw malformed("more steps than the block has bytes");
    // Else it could go on for ever without a byte of content.
    if (steps === 0) throw malformed("a block without steps");
    let at = 4, literal = end;
    const number = () => {
      let value = 0;
      for (let factor = 1;; factor *= 128) {
        if (at === end) throw malformed("a step that ends early");
        const byte = block[at++];
        value += (byte & 127) * factor;
        if (!Number.isSafeInteger(value)) throw malformed("a number past 2^53");
        if (byte < 128) return value;
        if (factor >= 2 ** 49) throw malformed("a number past 2^53");
      }
    };
    while (at < end) {
      const step = number();
      const amount = Math.floor(step / 2);
      if (amount === 0) throw malformed("a step that does nothing");
      if (step % 2 === 0) {
        if (amount > block.length - literal) throw malformed("more literals than came");
        yield { kind: "literal", bytes: block.subarray(literal, literal += amount) };
        continue;
      }
      const distance = number();
      const first = this.#expected + (distance % 2 === 0 ? distance / 2 : -(distance + 1) / 2);
      if (!(first >= 0 && first + amount <= this.#blocks)) throw malformed("a block that nobody named");
      this.#expected = first + amount;
      yield { kind: "copy", block: first, count: amount };
    }
    if (literal !== block.length) throw malformed("literals that no step takes");
  }
}

function malformed(why: string): FerryError {
  return new FerryError("protocol", `malformed delta: ${why}`);
}
