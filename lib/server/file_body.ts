/** The body of a large answer: pieces of an open file, read as fast as the other side takes them. */
import type { Segment } from "../http/multipart.ts";
import { CHUNK, ChunkRing } from "./chunk_ring.ts";
import { SentChunks } from "../wire/sent_chunks.ts";
import { createHash } from "node:crypto";
import { turn } from "../core/turn.ts";
import { OLD_RUNTIME } from "../core/runtime.ts";

/**
 * With more transfers than this under way, each one gets by with a smaller chunk: for those who read slowly the runtime
 * holds up to sixteen of them.
 */
const MANY = 32;
const SMALL_CHUNK = 64 * 1024;
const SMALLEST_CHUNK = 4 * 1024;
/** What the chunks of many transfers add up to, one for each. */
const CHUNKS_OF_MANY = 4 * 1024 * 1024;

let underWay = 0;

function smallChunk(): number {
  return Math.max(SMALLEST_CHUNK, Math.min(SMALL_CHUNK, Math.floor(CHUNKS_OF_MANY / underWay)));
}

/** So much is hashed before others have a turn. */
const HASHED_AT_ONCE = 2 * 1024 * 1024;

/** An open file and what of it to send. It owns the file: every end of the stream closes it, and so does `close`. */
export class FileBody {
  readonly length: number;
  readonly #file: Deno.FsFile;
  readonly #segments: readonly Segment[];
  #open = true;
  #watcher: ((digest: string | null) => void) | null = null;

  constructor(file: Deno.FsFile, segments: readonly Segment[], length: number) {
    this.#file = file;
    this.#segments = segments;
    this.length = length;
    underWay++;
  }

  /** Closes the file; harmless when it already is. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#tell(null);
    underWay--;
    this.#file.close();
  }

  #tell(digest: string | null): void {
    this.#watcher?.(digest);
    this.#watcher = null;
  }

  /** The file as it is now. */
  stat(): Deno.FileInfo {
    return this.#file.statSync();
  }

  /**
   * The SHA-256 in base64 of what is to be sent, or of the `whole` file; null when the file becomes shorter.
   */
  async sha256(options: { whole: boolean }): Promise<string | null> {
    const hash = createHash("sha256");
    const buffer = new Uint8Array(CHUNK);
    let taken = 0;
    const segments = options.whole ? [{ start: 0, end: this.stat().size }] : this.#segments;
    for (const segment of segments) {
      if (segment instanceof Uint8Array) {
        hash.update(segment);
        continue;
      }
      for (let at = segment.start; at < segment.end;) {
        // Each time: others may have read meanwhile.
        this.#file.seekSync(at, Deno.SeekMode.Start);
        const count = this.#file.readSync(buffer.subarray(0, Math.min(CHUNK, segment.end - at)));
        if (count === null) return null;
        hash.update(buffer.subarray(0, count));
        at += count;
        taken += count;
        if (taken < HASHED_AT_ONCE) continue;
        taken = 0;
        await turn();
      }
    }
    return hash.digest("base64");
  }

  /** `told` gets, before the file is closed, the SHA-256 in base64 of what was sent; null when not all of it was. */
  watch(told: (digest: string | null) => void): void {
    this.#watcher = told;
  }

  /**
   * The bytes; of what is read from the stream, the second next chunk must not be asked for while it is still held.
   * Reading is synchronous on purpose: the page cache answers sooner than a thread would. A file that has
   * become shorter breaks the stream off, so that the other side sees less than Content-Length promised.
   */
  stream(sent: (bytes: number) => void): ReadableStream<Uint8Array<ArrayBuffer>> {
    let index = 0;
    let position = -1;
    let total = 0;
    const chunks = new SentChunks();
    // Parts are short, and old runtimes hold more.
    const ring = OLD_RUNTIME || this.#segments.length > 1 ? null : new ChunkRing();
    const hash = this.#watcher === null ? null : createHash("sha256");
    const end = () => {
      if (!this.#open) return;
      this.close();
      ring?.release();
      sent(total);
    };
    return new ReadableStream({
      pull: (controller) => {
        if (index === this.#segments.length) {
          // Only now the last chunk has been taken.
          if (hash !== null && this.#open) this.#tell(hash.digest("base64"));
          end();
          controller.close();
          return;
        }
        try {
          const segment = this.#segments[index];
          if (segment instanceof Uint8Array) {
            index++;
            total += segment.length;
            hash?.update(segment);
            controller.enqueue(segment);
          } else {
            if (position === -1) {
              this.#file.seekSync(segment.start, Deno.SeekMode.Start);
              position = segment.start;
            }
            const many = underWay > MANY;
            const most = Math.min(many ? smallChunk() : CHUNK, segment.end - position);
            const reused = many ? null : ring;
            const chunk = reused?.next(most) ?? new Uint8Array(most);
            const count = this.#file.readSync(chunk);
            if (count === null) throw new Error("the file became shorter while it was sent");
            reused?.fill(count);
            hash?.update(count === chunk.length ? chunk : chunk.subarray(0, count));
            chunks.add(chunk);
            position += count;
            total += count;
            controller.enqueue(count === chunk.length ? chunk : chunk.subarray(0, count));
            if (position === segment.end) {
              index++;
              position = -1;
            }
          }
        } catch (error) {
          end();
          controller.error(error);
        }
      },
      cancel: end,
    }, { highWaterMark: 0 });
  }
}
