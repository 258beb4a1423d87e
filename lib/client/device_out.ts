/** Devices and named pipes as places for bodies. */
import { writeError } from "../core/errors.ts";
import { writeFully } from "../core/file_bytes.ts";
import { sleep } from "./pace.ts";
import type { Out } from "./sink.ts";

/** How often it is looked whether somebody reads a pipe. */
const LOOK_MS = 20;

/** What is at `path`, opened when there is something to write. A pipe that nobody reads yet holds up nothing else. */
export class DeviceOut implements Out {
  #file: Deno.FsFile | undefined;
  #begun = false;
  readonly #closed = new AbortController();

  constructor(readonly path: string) {}

  write(bytes: Uint8Array): void {
    try {
      writeFully(this.#file ??= opened(this.path), bytes);
    } catch (error) {
      throw writeError(error, this.path);
    }
  }

  async writeAsync(bytes: Uint8Array): Promise<void> {
    try {
      this.#file ??= opened(this.path);
      for (let sent = 0; sent < bytes.length;) {
        try {
          sent += await this.#file.write(bytes.subarray(sent));
          this.#begun = true;
        } catch (error) {
          // A reader that goes away is another matter than one that is still to come.
          if (this.#begun || !(error instanceof Deno.errors.BrokenPipe)) throw error;
          await sleep(LOOK_MS, this.#closed.signal);
        }
      }
    } catch (error) {
      throw writeError(error, this.path);
    }
  }

  close(): void {
    this.#closed.abort();
    this.#file?.close();
    this.#file = undefined;
  }
}

/** To open a pipe takes as long as nobody reads it, and Deno 2.4 does nothing else meanwhile; so one is there for a moment. */
function opened(path: string): Deno.FsFile {
  if (!Deno.statSync(path).isFifo) return Deno.openSync(path, { write: true });
  using _reader = Deno.openSync(path, { read: true, write: true });
  return Deno.openSync(path, { write: true });
}
