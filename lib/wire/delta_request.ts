/**
 * What a receiver asks for once it has a list of chunks (docs/protocol.md, "Delta"). Numbers are big-endian. What comes
 * from a peer is checked here, before memory is set aside for it.
 */
import type { Range } from "../delta/match.ts";
import {
  MAX_BLOCK_BITS,
  MAX_BLOCKS,
  MAX_STRONG_BYTES,
  MIN_BLOCK_BITS,
  MIN_STRONG_BYTES,
  newSignatures,
  type Signatures,
  strongMask,
} from "../delta/signature.ts";
import { malformed, MAX_DELTA_FILE_BYTES, MAX_RANGES } from "./delta.ts";
import { isTime } from "./fields.ts";
import { equalBytes } from "./pack.ts";

const MAGIC = new TextEncoder().encode("FERRYDR1");
const HEADER_BYTES = 36;

/** Ranges of the new file, and signatures of what the receiver has near to them. */
export interface DeltaRequest {
  /** The version that the ranges are of. */
  size: number;
  mtime: number;
  /** The ways of compression that it can undo, as bits: `1 << codec`. */
  codecs: number;
  ranges: Range[];
  signatures: Signatures;
}

/** A request as bytes. */
export function encodeRequest(request: DeltaRequest): Uint8Array<ArrayBuffer> {
  const { ranges, signatures } = request;
  const { count, strongBytes, blockBytes } = signatures;
  const numbers = new Uint8Array(ranges.length * 16);
  let length = 0, end = 0;
  const number = (value: number) => {
    for (; value >= 128; value = Math.floor(value / 128)) numbers[length++] = value % 128 | 128;
    numbers[length++] = value;
  };
  for (const range of ranges) {
    number(range.start - end);
    number(range.length);
    end = range.start + range.length;
  }
  const bytes = new Uint8Array(HEADER_BYTES + length + count * (4 + strongBytes));
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setUint8(8, request.codecs);
  view.setUint8(9, Math.log2(blockBytes));
  view.setUint8(10, strongBytes);
  view.setBigUint64(12, BigInt(request.size));
  view.setFloat64(20, request.mtime);
  view.setUint32(28, ranges.length);
  view.setUint32(32, count);
  bytes.set(numbers.subarray(0, length), HEADER_BYTES);
  let at = HEADER_BYTES + length;
  for (let i = 0; i < count; i++) {
    view.setUint32(at, signatures.weak[i]);
    at += 4;
    for (let byte = 0; byte < strongBytes; byte++) {
      const half = byte < 4 ? signatures.high[i] : signatures.low[i];
      bytes[at++] = half >>> (24 - 8 * (byte % 4));
    }
  }
  return bytes;
}

/** Reads a request. Throws `protocol`. */
export function parseRequest(bytes: Uint8Array): DeltaRequest {
  if (bytes.length < HEADER_BYTES || !equalBytes(bytes.subarray(0, 8), MAGIC)) {
    throw malformed("it does not start as a request");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const blockBits = view.getUint8(9), strongBytes = view.getUint8(10);
  const size = Number(view.getBigUint64(12)), mtime = view.getFloat64(20);
  const rangeCount = view.getUint32(28), count = view.getUint32(32);
  if (blockBits < MIN_BLOCK_BITS || blockBits > MAX_BLOCK_BITS) throw malformed("blocks of an unknown size");
  if (strongBytes < MIN_STRONG_BYTES || strongBytes > MAX_STRONG_BYTES) throw malformed("an unknown hash");
  if (size > MAX_DELTA_FILE_BYTES || !isTime(mtime)) throw malformed("an absurd size or time");
  if (rangeCount > MAX_RANGES || count > MAX_BLOCKS) throw malformed("too many ranges or blocks");
  const ranges: Range[] = [];
  let at = HEADER_BYTES;
  const number = () => {
    let value = 0;
    for (let factor = 1; factor < 2 ** 49; factor *= 128) {
      if (at === bytes.length) throw malformed("it ends early");
      const byte = bytes[at++];
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    throw malformed("a number past 2^49");
  };
  for (let end = 0; ranges.length < rangeCount;) {
    const start = end + number(), length = number();
    end = start + length;
    if (length === 0 || end > size) throw malformed("a range that is not in the file");
    ranges.push({ start, length });
  }
  if (bytes.length - at !== count * (4 + strongBytes)) throw malformed("its length does not fit");
  const signatures = newSignatures(count, 1 << blockBits, strongBytes);
  const mask = strongMask(strongBytes);
  for (let i = 0; i < count; i++) {
    signatures.weak[i] = view.getUint32(at);
    at += 4;
    let high = 0, low = 0;
    for (let byte = 0; byte < strongBytes; byte++) {
      if (byte < 4) high |= bytes[at++] << (24 - 8 * byte);
      else low |= bytes[at++] << (56 - 8 * byte);
    }
    signatures.high[i] = high & mask.high;
    signatures.low[i] = low & mask.low;
  }
  return { size, mtime, codecs: view.getUint8(8), ranges, signatures };
}
