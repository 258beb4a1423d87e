/** The body of an answer with several ranges, `multipart/byteranges` (RFC 9110 section 14.6). */
import { type ByteRange, contentRange } from "./range.ts";

/** A piece of a body: bytes as they are, or a range of the file. */
export type Segment = Uint8Array<ArrayBuffer> | ByteRange;

/** A whole body of ranges. */
export interface Multipart {
  /** For the `Content-Type` header. */
  type: string;
  segments: Segment[];
  /** Bytes in all. */
  length: number;
}

const encoder = new TextEncoder();

/** The body that sends `ranges` of a file of media type `type`. The boundary is not guessable, so no file holds it. */
export function byteranges(
  ranges: readonly ByteRange[],
  options: { size: number; type: string; boundary?: string },
): Multipart {
  const boundary = options.boundary ?? crypto.randomUUID();
  const segments: Segment[] = [];
  let length = 0;
  for (const [i, range] of ranges.entries()) {
    const head = encoder.encode(
      `${i === 0 ? "" : "\r\n"}--${boundary}\r\nContent-Type: ${options.type}\r\n` +
        `Content-Range: ${contentRange(range, options.size)}\r\n\r\n`,
    );
    segments.push(head, range);
    length += head.length + range.end - range.start;
  }
  const tail = encoder.encode(`\r\n--${boundary}--\r\n`);
  segments.push(tail);
  return { type: `multipart/byteranges; boundary=${boundary}`, segments, length: length + tail.length };
}
