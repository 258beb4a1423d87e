/** An archive as a body: made as fast as the other side takes it. */
import { OLD_RUNTIME } from "../../core/runtime.ts";
import { turn } from "../../core/turn.ts";
import { SentChunks } from "../../wire/sent_chunks.ts";
import { HttpError } from "../failure.ts";

/** So many archives are made at a time: each takes processor time, and memory for its directory. */
const MOST_AT_ONCE = 16;

let underWay = 0;

/** Chunks of an archive; null where there is none yet and others may have their turn. */
export type Chunks =
  | Iterator<Uint8Array<ArrayBuffer> | null, void>
  | AsyncIterator<Uint8Array<ArrayBuffer> | null, void>;

/** Bytes whose number nobody knows yet. */
export class ArchiveBody {
  readonly length = null;
  readonly #chunks: Chunks;
  readonly #warn: (message: string) => void;
  #open = true;

  /** `chunks` are asked for one by one; an error of theirs, told to `warn`, breaks the answer off. Throws `too_many`. */
  constructor(chunks: Chunks, warn: (message: string) => void) {
    if (underWay === MOST_AT_ONCE) {
      throw new HttpError("too_many", "many archives are being made; try again later", {
        "retry-after": "10",
      });
    }
    underWay++;
    this.#chunks = chunks;
    this.#warn = warn;
  }

  /** Ends the work, wherever it is; harmless when it has ended. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    underWay--;
    this.#chunks.return?.();
  }

  /** The bytes. `sent` is told at the end how many they were. */
  stream(sent: (bytes: number) => void): ReadableStream<Uint8Array<ArrayBuffer>> {
    let bytes = 0;
    const sentChunks = new SentChunks({ always: true });
    const end = () => {
      if (!this.#open) return;
      this.close();
      sent(bytes);
    };
    return new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull: async (controller) => {
        try {
          let next = await this.#chunks.next();
          while (!next.done && next.value === null) {
            await turn();
            next = await this.#chunks.next();
          }
          // It was cancelled meanwhile.
          if (!this.#open) return;
          if (next.done) {
            end();
            controller.close();
            return;
          }
          const chunk = next.value!;
          bytes += chunk.length;
          sentChunks.add(chunk);
          controller.enqueue(chunk);
        } catch (error) {
          end();
          // Newer runtimes tell of it by themselves (listen.ts).
          if (OLD_RUNTIME) this.#warn(`a body broke off: ${error instanceof Error ? error.message : error}`);
          throw error;
        }
      },
      cancel: end,
    }, { highWaterMark: 0 });
  }
}
