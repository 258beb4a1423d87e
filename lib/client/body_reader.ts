/** Sources of bodies, read piece by piece. */
import { assertNever, FerryError, quote, readError } from "../core/errors.ts";
import type { BodySource } from "./body_source.ts";

/** Fills the buffer and gives the part that it filled, or null at the end. The buffer may come back as another object. */
export type Fill = (
  buffer: ArrayBuffer,
) => Uint8Array<ArrayBuffer> | null | Promise<Uint8Array<ArrayBuffer> | null>;

/** A source that is being read. */
export interface BodyReader {
  /** Fills a buffer; null at the end. Throws `read_failed`. */
  fill: Fill;
  /** Lets go of what is open; may be called more than once. */
  close(): void;
}

const END: BodyReader = { fill: () => null, close() {} };

/** Reads `source` from its beginning; files are opened when it is their turn. */
export function readBody(source: BodySource): BodyReader {
  switch (source.kind) {
    case "none":
      return END;
    case "bytes":
      return readBytes(source.bytes);
    case "file":
      return readFile(source);
    case "stream":
      return readStream(source);
    case "parts":
      return readParts(source.parts);
    default:
      return assertNever(source);
  }
}

function readBytes(bytes: Uint8Array<ArrayBuffer>): BodyReader {
  let at = 0;
  const fill: Fill = (buffer) => {
    if (at === bytes.length) return null;
    const piece = bytes.subarray(at, at + buffer.byteLength);
    at += piece.length;
    // A copy: the buffer is written to again, the bytes may be sent again.
    const view = new Uint8Array(buffer, 0, piece.length);
    view.set(piece);
    return view;
  };
  return { fill, close() {} };
}

/** So many bytes as it had at first: they have been announced. */
function readFile({ path, size, start = 0 }: BodySource & { kind: "file" }): BodyReader {
  let left = size;
  let file: Deno.FsFile | null = null;
  const fill: Fill = (buffer) => {
    if (left === 0) return null;
    const view = new Uint8Array(buffer, 0, Math.min(left, buffer.byteLength));
    let count: number;
    try {
      if (file === null) {
        file = Deno.openSync(path);
        file.seekSync(start, Deno.SeekMode.Start);
      }
      count = file.readSync(view) ?? 0;
    } catch (error) {
      throw readError(error, path);
    }
    if (count === 0) {
      throw new FerryError("read_failed", `cannot read ${quote(path)}: it became shorter while it was sent`);
    }
    left -= count;
    return view.subarray(0, count);
  };
  const close = () => {
    file?.close();
    file = null;
    left = 0;
  };
  return { fill, close };
}

function readStream(source: BodySource & { kind: "stream" }): BodyReader {
  let reader: ReadableStreamBYOBReader | undefined;
  const fill: Fill = async (buffer) => {
    try {
      source.begun = true;
      reader ??= (await source.stream()).getReader({ mode: "byob" });
      const { value, done } = await reader.read(new Uint8Array(buffer));
      return done || value === undefined ? null : value;
    } catch (error) {
      throw readError(error, source.name);
    }
  };
  return { fill, close: () => void reader?.cancel().catch(() => {}) };
}

function readParts(parts: readonly BodySource[]): BodyReader {
  let at = 0;
  let reader = END;
  const fill: Fill = async (buffer) => {
    const size = buffer.byteLength;
    for (;;) {
      // A stream that has come to its end keeps the buffer.
      const piece = await reader.fill(buffer.byteLength === size ? buffer : new ArrayBuffer(size));
      if (piece !== null) return piece;
      reader.close();
      if (at === parts.length) return null;
      reader = readBody(parts[at++]);
    }
  };
  return { fill, close: () => reader.close() };
}
