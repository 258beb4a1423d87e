/** Takes the chunked coding off a body: RFC 9112 section 7.1. Pure. */
import { type Fields, HeadError } from "./fields.ts";
import { headEnd, latin1, parseFields } from "./head.ts";

/** All extensions of a body may have so many bytes together; nobody needs any. */
const MAX_EXTENSIONS = 16 * 1024;

/** 2^52 bytes. */
const MAX_DIGITS = 13;

const LF = 10, CR = 13, SEMICOLON = 59, SPACE = 32, TAB = 9;

type State = "size" | "extension" | "size_end" | "data" | "data_cr" | "data_lf" | "trailer" | "end";

/** What a step took and gave. */
export interface Step {
  taken: number;
  given: number;
}

/** A decoder for one body. Pieces may break anywhere. */
export class ChunkedDecoder {
  /** The fields after the last chunk, once there. */
  trailers: Fields | undefined;
  #state: State = "size";
  #digits = 0;
  #size = 0;
  #extensions = 0;

  get ended(): boolean {
    return this.#state === "end";
  }

  /** Bytes that follow and are of the body as they come; 0 where something else follows. */
  get run(): number {
    return this.#state === "data" ? this.#size : 0;
  }

  /** `bytes` of the run have been read by somebody else. */
  skip(bytes: number): void {
    this.#size -= bytes;
    if (this.#size === 0) this.#state = "data_cr";
  }

  /**
   * Decodes from `input` into `output` until one of them is used up, or the body ends. The trailer is taken only as a
   * whole: what is left of `input` then has to be given again, with more. Throws HeadError.
   */
  decode(input: Uint8Array, output: Uint8Array): Step {
    let taken = 0, given = 0;
    while (taken < input.length && this.#state !== "end") {
      if (this.#state === "data") {
        const count = Math.min(this.#size, input.length - taken, output.length - given);
        if (count === 0) break;
        output.set(input.subarray(taken, taken + count), given);
        taken += count;
        given += count;
        this.skip(count);
      } else if (this.#state === "trailer") {
        const count = this.#trailer(input.subarray(taken));
        if (count === 0) break;
        taken += count;
      } else this.#byte(input[taken++]);
    }
    return { taken, given };
  }

  #byte(byte: number): void {
    switch (this.#state) {
      case "size": {
        const digit = hexDigit(byte);
        if (digit !== -1) {
          if (++this.#digits > MAX_DIGITS) throw new HeadError("a chunk that is too large");
          this.#size = this.#size * 16 + digit;
        } else if (this.#digits === 0) throw new HeadError("a chunk without a size");
        else if (byte === CR) this.#state = "size_end";
        else if (byte === SEMICOLON || byte === SPACE || byte === TAB) this.#state = "extension";
        else throw new HeadError("a chunk size that is no number");
        return;
      }
      case "extension":
        if (byte === CR) this.#state = "size_end";
        else if (byte === LF) throw new HeadError("a chunk line that ends early");
        else if (++this.#extensions > MAX_EXTENSIONS) throw new HeadError("too many chunk extensions");
        return;
      case "size_end":
        if (byte !== LF) throw new HeadError("a chunk line without an end");
        this.#state = this.#size === 0 ? "trailer" : "data";
        this.#digits = 0;
        return;
      case "data_cr":
        if (byte !== CR) throw new HeadError("a chunk that is longer than its size");
        this.#state = "data_lf";
        return;
      case "data_lf":
        if (byte !== LF) throw new HeadError("a chunk that is longer than its size");
        this.#state = "size";
        return;
    }
  }

  /** How much of `input` the trailer takes; 0 when it is not there as a whole. */
  #trailer(input: Uint8Array): number {
    // Mostly there is none.
    let end = input[0] === CR && input[1] === LF ? 2 : input[0] === LF ? 1 : -1;
    if (end === -1) end = headEnd(input);
    if (end === -1) return 0;
    this.trailers = parseFields(latin1(input.subarray(0, end)), 0);
    this.#state = "end";
    return end;
  }
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
