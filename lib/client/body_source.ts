/** What a request sends: nothing, bytes, a file, or what comes through a pipe. */
import { FerryError, quote, readError } from "../core/errors.ts";
import { chunkStream, type Fill, type Meter } from "./chunk_stream.ts";

/** Where the body of a request comes from. */
export type BodySource =
  | { kind: "none" }
  | { kind: "bytes"; bytes: Uint8Array<ArrayBuffer> }
  /** `size` bytes from `start` on. */
  | { kind: "file"; path: string; size: number; start?: number }
  /** Can be read once; its length is not known. */
  | { kind: "stream"; stream: () => ReadableStream<Uint8Array>; name: string };

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
  return source.kind !== "stream";
}

/** `source` as `fetch` takes it: bytes and files with their length, a stream in chunks; a new one for each try. */
export function openBody(source: BodySource, meter: Meter): BodyInit | null {
  switch (source.kind) {
    case "none":
      return null;
    case "bytes":
      void meter(source.bytes.length);
      return source.bytes;
    case "file":
      return source.size === 0 ? new Uint8Array() : new FileBody(source, meter);
    case "stream":
      return metered(source, meter);
  }
}

/** A Blob that reads its file as it is sent: it has a size, for Content-Length, and takes no memory. */
class FileBody extends Blob {
  readonly #source: BodySource & { kind: "file" };
  readonly #meter: Meter;

  constructor(source: BodySource & { kind: "file" }, meter: Meter) {
    super([]);
    this.#source = source;
    this.#meter = meter;
  }

  override get size(): number {
    return this.#source.size;
  }

  override stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const { path, size, start = 0 } = this.#source;
    let left = size;
    let file: Deno.FsFile | null = null;
    const fill: Fill = (buffer) => {
      if (left === 0) return null;
      if (file === null) {
        file = Deno.openSync(path);
        file.seekSync(start, Deno.SeekMode.Start);
      }
      const view = new Uint8Array(buffer, 0, Math.min(left, buffer.byteLength));
      const count = file.readSync(view) ?? 0;
      if (count === 0) {
        throw new FerryError(
          "read_failed",
          `cannot read ${quote(path)}: it became shorter while it was sent`,
        );
      }
      left -= count;
      return view.subarray(0, count);
    };
    return chunkStream(fill, { name: path, meter: this.#meter, close: () => file?.close() });
  }
}

function metered(source: BodySource & { kind: "stream" }, meter: Meter): ReadableStream<Uint8Array> {
  const reader = source.stream().getReader({ mode: "byob" });
  const fill: Fill = async (buffer) => {
    const { value, done } = await reader.read(new Uint8Array(buffer));
    return done || value === undefined ? null : value;
  };
  return chunkStream(fill, { name: source.name, meter, close: () => void reader.cancel().catch(() => {}) });
}
