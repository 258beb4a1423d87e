/** CRC-32 of what comes in pieces. */
import { crc32 } from "node:zlib";

/** The polynomial of CRC-32 (RFC 1952 section 8), reflected. */
const POLYNOMIAL = 0xedb88320;

/** 32 columns of a 32 by 32 matrix over GF(2). */
type Matrix = Uint32Array<ArrayBuffer>;

/**
 * The CRC-32 of pieces, one after the other. Each is summed in one call and the sums are combined as zlib's
 * `crc32_combine` does: Deno 2.4 gives wrong sums where one call goes on from another's.
 */
export class Crc32 {
  #sum = 0;
  /** What so many bytes of zeros do to a sum: most pieces have one length. */
  #length = -1;
  #shift: Matrix = new Uint32Array(32);

  /** Goes on with `bytes`. */
  add(bytes: Uint8Array): void {
    if (bytes.length !== this.#length) {
      this.#shift = zeros(bytes.length);
      this.#length = bytes.length;
    }
    this.#sum = (times(this.#shift, this.#sum) ^ crc32(bytes)) >>> 0;
  }

  /** The sum of all so far, unsigned. */
  get value(): number {
    return this.#sum;
  }
}

/** What `length` bytes of zeros do to a sum. */
function zeros(length: number): Matrix {
  let result: Matrix = Uint32Array.from({ length: 32 }, (_, bit) => 2 ** bit);
  // One bit of zero, then two, four and eight: a byte.
  let power: Matrix = Uint32Array.from({ length: 32 }, (_, bit) => bit === 0 ? POLYNOMIAL : 2 ** (bit - 1));
  for (let i = 0; i < 3; i++) power = product(power, power);
  for (let rest = length; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = product(power, result);
    power = product(power, power);
  }
  return result;
}

function product(a: Matrix, b: Matrix): Matrix {
  return b.map((column) => times(a, column));
}

function times(matrix: Matrix, vector: number): number {
  let sum = 0;
  for (let bit = 0; bit < 32; bit++) if ((vector >>> bit) & 1) sum ^= matrix[bit];
  return sum >>> 0;
}
