/**
 * Streamed packs: one file of any size in a body of its own, read and written at the pace of whoever takes it. Its
 * frame is of kind 3, with a trailer behind the content (trailer.ts).
 */
import type { ProblemCode } from "../core/entry.ts";
import { FerryError } from "../core/errors.ts";
import { BlockDigest } from "./block_digest.ts";
import type { Flow } from "./flow.ts";
import { encodeRuns, readRun, RUN_HEADER_BYTES, zeros } from "./holes.ts";
import { type Outcome, problemOfJson } from "./outcome.ts";
import {
  checkMagic,
  type FileHeader,
  HEADER_BYTES,
  KIND_END,
  KIND_PROBLEM,
  KIND_STREAM,
  MAGIC,
  malformed,
  readHeader,
  writeHeader,
} from "./pack.ts";
import { SentChunks } from "./sent_chunks.ts";
import { type FileTrailer, readTrailer, TRAILER_BYTES, trailerBytes, trailerProblem } from "./trailer.ts";

/** A file as it was read: what a header says of it, less its index. */
export type ContentMeta = Omit<FileHeader, "index">;

/** Content that is taken piece by piece. */
export interface Content extends Disposable {
  kind: "content";
  meta: ContentMeta;
  /** The next bytes, valid until the next call; null at the end, also an early one. */
  next(): Uint8Array | null | Promise<Uint8Array | null>;
  /** Whether the bytes are valid for one call longer. */
  lasting?: boolean;
  /** After the end: null when every byte came and is right, else why the content must not be used. */
  outcome(): Outcome;
  /** Where not all of the file comes, as its receiver has the beginning. */
  rest?: Rest;
}

/** The end of a file. Its digest is that of the whole file, so somebody has to read the beginning. */
export type Rest =
  /** Of a local file: `beginning` reads what is left out. */
  | { kind: "local"; offset: number; beginning(take: (bytes: Uint8Array) => void): Promise<void> }
  /** From a peer: `seed` takes what is left out, before the first `next`; then `outcome` is about the whole file. */
  | { kind: "peer"; offset: number; seed(bytes: Uint8Array): void; digest(): Uint8Array };

/** Why there is no content. */
export interface NoContent {
  kind: "problem";
  code: ProblemCode;
  message: string;
}

/**
 * `content` as a body under number `index`; disposes of it at the end. Content that turns out not to be whole is
 * marked so in the trailer; content that ends early breaks the body off, so that nobody takes it for whole.
 */
export function streamContent(
  content: Content,
  index: number,
  count?: (bytes: number) => void,
): ReadableStream<Uint8Array> {
  const hash = new BlockDigest();
  const { rest } = content;
  let left = content.meta.size - (rest?.offset ?? 0);
  let started = false;
  const sent = new SentChunks();
  const send = (controller: ReadableStreamDefaultController<Uint8Array>, bytes: Uint8Array<ArrayBuffer>) => {
    sent.add(bytes);
    count?.(bytes.length);
    controller.enqueue(bytes);
  };
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        if (!started) {
          started = true;
          if (rest?.kind === "local") await rest.beginning((bytes) => hash.update(bytes));
          return send(controller, head({ ...content.meta, index }));
        }
        // Asked once more after the last byte: content from a peer learns only then whether it is right.
        const chunk = await content.next();
        if (chunk !== null) {
          left -= chunk.length;
          hash.update(chunk);
          return send(controller, content.meta.sparse ? encodeRuns(chunk) : new Uint8Array(chunk));
        }
        if (left > 0) {
          throw new FerryError("read_failed", content.outcome()?.message ?? "the file ended early");
        }
        // What is handed on in part can only be judged by who has the rest.
        const digest = rest?.kind === "peer" ? rest.digest() : hash.digest();
        send(controller, tail({ changed: content.outcome() !== null, digest }));
        controller.close();
        content[Symbol.dispose]();
      } catch (error) {
        content[Symbol.dispose]();
        throw error;
      }
    },
    cancel: () => content[Symbol.dispose](),
  }, { highWaterMark: 0 });
}

function head(header: FileHeader): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(MAGIC.length + HEADER_BYTES);
  bytes.set(MAGIC);
  writeHeader(new DataView(bytes.buffer), MAGIC.length, KIND_STREAM, header);
  return bytes;
}

function tail(trailer: FileTrailer): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(TRAILER_BYTES + HEADER_BYTES);
  bytes.set(trailerBytes(trailer));
  writeHeader(new DataView(bytes.buffer), TRAILER_BYTES, KIND_END, { index: 1, size: 0, mtime: 0, mode: 0 });
  return bytes;
}

/**
/** How a streamed pack is read. */
export interface StreamedOptions {
  /** Told of every byte. */
  flow?: Flow;
  /** Bytes at the beginning of the file that do not come. */
  offset?: number;
}

/**
 * The content of a streamed pack, checked against its digest as it is taken. Throws `protocol` for what is not a
 * pack, also later, from `next`.
 */
export async function openStreamed(
  body: ReadableStream<Uint8Array>,
  { flow, offset = 0 }: StreamedOptions = {},
): Promise<Content | NoContent> {
  const input = new ByteReader(body, flow);
  try {
    checkMagic(await input.take(MAGIC.length));
    const bytes = await input.take(HEADER_BYTES);
    const header = readHeader(new DataView(bytes.buffer), 0);
    if (header.kind === KIND_PROBLEM && header.size < 65536) {
      const problem = problemOfJson(await input.take(header.size));
      await input.cancel();
      return { kind: "problem", ...problem };
    }
    if (header.kind !== KIND_STREAM) throw malformed("an unknown kind of frame");
    if (header.size < offset) throw malformed("the file is smaller than what was left out of it");
    const { index: _, kind: __, ...meta } = header;
    return new StreamedContent(input, meta, offset);
  } catch (error) {
    await input.cancel();
    throw error;
  }
}

class StreamedContent implements Content {
  readonly kind = "content";
  readonly #hash = new BlockDigest();
  readonly #input: ByteReader;
  readonly rest: Rest | undefined;
  #left: number;
  /** Of a sparse file: zeros that come next, and then bytes. */
  #hole = 0;
  #data = 0;
  #seeded = 0;
  #sent: Uint8Array = new Uint8Array(0);
  #outcome: Outcome = { code: "missing", message: "its content did not come whole" };

  constructor(input: ByteReader, readonly meta: ContentMeta, offset: number) {
    this.#input = input;
    this.#left = meta.size - offset;
    if (offset === 0) return;
    const seed = (bytes: Uint8Array) => {
      this.#hash.update(bytes);
      this.#seeded += bytes.length;
    };
    this.rest = { kind: "peer", offset, seed, digest: () => this.#sent };
  }

  async next(): Promise<Uint8Array | null> {
    if (this.#left > 0) {
      const chunk = this.meta.sparse ? await this.#sparse() : await this.#input.some(this.#left);
      this.#hash.update(chunk);
      this.#left -= chunk.length;
      return chunk;
    }
    const trailer = readTrailer(await this.#input.take(TRAILER_BYTES));
    const end = await this.#input.take(HEADER_BYTES);
    if (readHeader(new DataView(end.buffer), 0).kind !== KIND_END) {
      throw malformed("more than one file in a stream");
    }
    this.#sent = trailer.digest;
    const judged = this.#seeded === (this.rest?.offset ?? 0);
    this.#outcome = trailerProblem(trailer, judged ? this.#hash.digest() : trailer.digest);
    return null;
  }

  /** The next bytes of a sparse file. */
  async #sparse(): Promise<Uint8Array> {
    if (this.#hole === 0 && this.#data === 0) {
      const header = await this.#input.take(RUN_HEADER_BYTES);
      ({ hole: this.#hole, data: this.#data } = readRun(new DataView(header.buffer), this.#left));
    }
    if (this.#hole > 0) {
      const chunk = zeros(this.#hole);
      this.#hole -= chunk.length;
      return chunk;
    }
    const chunk = await this.#input.some(this.#data);
    this.#data -= chunk.length;
    return chunk;
  }

  outcome(): Outcome {
    return this.#outcome;
  }

  [Symbol.dispose](): void {
    this.#input.cancel();
  }
}

/** What one read of a stream asks for at most. */
const READ_BYTES = 1024 * 1024;

/** Takes exact amounts from a stream of chunks. */
export class ByteReader {
  readonly #reader: ReadableStreamBYOBReader | ReadableStreamDefaultReader<Uint8Array>;
  #buffer = new ArrayBuffer(0);
  #rest = new Uint8Array(0);

  constructor(stream: ReadableStream<Uint8Array>, readonly flow?: Flow) {
    try {
      // Bodies of HTTP are byte streams: read a megabyte at a time, always into the same memory.
      this.#reader = stream.getReader({ mode: "byob" });
    } catch {
      this.#reader = stream.getReader();
    }
  }

  /** At least one byte and at most `max`, valid until the next call. Throws `protocol` at the end of the stream. */
  async some(max: number): Promise<Uint8Array> {
    while (this.#rest.length === 0) this.#rest = await this.#read();
    const part = this.#rest.subarray(0, max);
    this.#rest = this.#rest.subarray(part.length);
    return part;
  }

  async #read(): Promise<Uint8Array<ArrayBuffer>> {
    this.flow?.wait();
    const bytes = await this.#readSome();
    const pause = this.flow?.moved(bytes.length);
    if (pause) await pause;
    return bytes;
  }

  async #readSome(): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#reader instanceof ReadableStreamDefaultReader) {
      const { value, done } = await this.#reader.read();
      if (done) throw malformed("it ends early");
      return value as Uint8Array<ArrayBuffer>;
    }
    if (this.#buffer.byteLength === 0) this.#buffer = new ArrayBuffer(READ_BYTES);
    const most = this.flow?.piece(READ_BYTES) ?? READ_BYTES;
    const { value, done } = await this.#reader.read(new Uint8Array(this.#buffer, 0, most));
    if (done || value === undefined) throw malformed("it ends early");
    this.#buffer = value.buffer;
    return value;
  }

  /** Exactly `count` bytes; for small counts, which are copied together. */
  async take(count: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(count);
    for (let filled = 0; filled < count;) {
      const part = await this.some(count - filled);
      bytes.set(part, filled);
      filled += part.length;
    }
    return bytes;
  }

  async cancel(): Promise<void> {
    await this.#reader.cancel().catch(() => {});
  }
}
