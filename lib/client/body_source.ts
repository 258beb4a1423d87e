/** What a request sends: nothing, bytes, a file, what comes through a pipe, or several of these. */
import { assertNever, FerryError, quote, readError } from "../core/errors.ts";
import { readBody } from "./body_reader.ts";
import { chunkStream, type Meter } from "./chunk_stream.ts";

/** Where the body of a request comes from. */
export type BodySource =
  | { kind: "none" }
  | { kind: "bytes"; bytes: Uint8Array<ArrayBuffer> }
  /** `size` bytes from `start` on. */
  | { kind: "file"; path: string; size: number; start?: number }
  /** Can be read once; its length is not known. */
  | { kind: "stream"; stream: () => ReadableStream<Uint8Array>; name: string }
  /** One after the other. */
  | { kind: "parts"; parts: readonly BodySource[] };

/** The source that an upload flag's FILE names; `-` is standard input. Throws `read_failed`. */
export function fileSource(path: string, stdin: ReadableStream<Uint8Array>): BodySource {
  if (path === "-") return { kind: "stream", stream: () => stdin, name: "standard input" };
  try {
    const info = Deno.statSync(path);
    if (info.isDirectory) throw new FerryError("read_failed", `cannot read ${quote(path)}: it is a folder`);
    if (info.isFile) {
      // Opened once now, so that a file that cannot be read is told before the server hears of it.
      Deno.openSync(path).close();
      return { kind: "file", path, size: info.size };
    }
    return { kind: "stream", stream: () => Deno.openSync(path).readable, name: path };
  } catch (error) {
    throw readError(error, path);
  }
}

/** Whether the body can be sent a second time. */
export function isRereadable(source: BodySource): boolean {
  return source.kind === "parts" ? source.parts.every(isRereadable) : source.kind !== "stream";
}

/** How many bytes `source` has; null where that shows only at its end. */
export function bodySize(source: BodySource): number | null {
  switch (source.kind) {
    case "none":
      return 0;
    case "bytes":
      return source.bytes.length;
    case "file":
      return source.size;
    case "stream":
      return null;
    case "parts":
      return source.parts.reduce<number | null>((sum, part) => {
        const size = bodySize(part);
        return sum === null || size === null ? null : sum + size;
      }, 0);
    default:
      return assertNever(source);
  }
}

/** `source` as `fetch` takes it: with its length where that is known, else in chunks; a new one for each try. */
export function openBody(source: BodySource, meter: Meter): BodyInit | null {
  if (source.kind === "none") return null;
  if (source.kind === "bytes") {
    void meter(source.bytes.length);
    return source.bytes;
  }
  const size = bodySize(source);
  if (size === 0) return new Uint8Array();
  return size === null ? streamOf(source, meter) : new SizedBody(source, size, meter);
}

/** A Blob that reads its source as it is sent: it has a size, for Content-Length, and takes no memory. */
class SizedBody extends Blob {
  readonly #source: BodySource;
  readonly #size: number;
  readonly #meter: Meter;

  constructor(source: BodySource, size: number, meter: Meter) {
    super([]);
    this.#source = source;
    this.#size = size;
    this.#meter = meter;
  }

  override get size(): number {
    return this.#size;
  }

  override stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return streamOf(this.#source, this.#meter);
  }
}

function streamOf(source: BodySource, meter: Meter): ReadableStream<Uint8Array<ArrayBuffer>> {
  const { fill, close } = readBody(source);
  return chunkStream(fill, { meter, close });
}
