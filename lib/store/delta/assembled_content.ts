/** A file as a delta puts it together: from old bytes, and from a sender's answer. */
import * as crypto from "node:crypto";
import { Turns } from "../../core/turn.ts";
import type { Instruction } from "../../delta/instructions.ts";
import type { Copy, Range } from "../../delta/match.ts";
import { malformed } from "../../wire/delta.ts";
import { DeltaReader } from "../../wire/delta_body.ts";
import type { Outcome } from "../../wire/outcome.ts";
import type { Content, ContentMeta, Rest } from "../../wire/stream.ts";
import { trailerProblem } from "../../wire/trailer.ts";
import type { Bases } from "./bases.ts";

const COPY_BYTES = 1024 * 1024;

/** How the parts of a file lie: chunks that are copied, ranges that instructions fill, and the blocks these name. */
export interface Parts {
  /** What lies before is there already. */
  start: number;
  copies: readonly Copy[];
  missing: readonly Range[];
  offsets: Float64Array;
  blockBytes: number;
}

/** What is known of the file before the answer comes. */
export interface Planned {
  meta: ContentMeta;
  parts: Parts;
  old: Bases;
  signal: AbortSignal | undefined;
}

/** The content; disposes of the old files at its end. */
export class AssembledContent implements Content {
  readonly kind = "content";
  readonly lasting = true;
  readonly meta: ContentMeta;
  readonly rest: Rest | undefined;
  readonly #planned: Planned;
  readonly #answer: DeltaReader;
  readonly #hash = crypto.createHash("sha256");
  /** Taken in turn: what was read last may still be on its way to the disk. */
  readonly #buffers: [Uint8Array, Uint8Array];
  readonly #turns = new Turns();
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
    const length = Math.min(COPY_BYTES, planned.meta.size);
    this.#buffers = [new Uint8Array(length), new Uint8Array(length)];
    this.#at = planned.parts.start;
    if (this.#at > 0) {
      const seed = (bytes: Uint8Array) => void this.#hash.update(bytes);
      this.rest = { kind: "peer", offset: this.#at, seed, digest: () => this.#answer.trailer!.digest };
    }
    this.#answer = new DeltaReader(answer, planned.parts.offsets.length);
  }

  async next(): Promise<Uint8Array | null> {
    await this.#turns.due(this.#planned.signal);
    const bytes = await this.#take();
    if (bytes === null) return null;
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
    const [buffer] = this.#buffers.reverse();
    const piece = buffer.subarray(0, this.#copying);
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
    this.#outcome = trailerProblem(this.#answer.trailer!, this.#hash.digest());
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
