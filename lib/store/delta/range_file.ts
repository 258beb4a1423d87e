/** A file of the local file system that is read here and there, in one version or not at all. */
import type { Outcome } from "../../wire/outcome.ts";
import type { ContentMeta, NoContent } from "../../wire/stream.ts";
import { isStill, lookAt, type Opened, readOutcome, withPath } from "../read/content.ts";
import type { StrictPaths } from "../root.ts";

/** A regular file, open. */
export class RangeFile implements Disposable {
  readonly kind = "ranges";
  readonly #before: Opened;
  readonly #file: Deno.FsFile;
  #at = 0;
  #closed = false;

  private constructor(full: string) {
    this.#before = lookAt(full);
    this.#file = Deno.openSync(full);
  }

  /** Opens `path`, or says why that is not possible. */
  static open(paths: StrictPaths, path: string): RangeFile | NoContent {
    try {
      return withPath(paths, path, (full) => new RangeFile(full));
    } catch (error) {
      return { kind: "problem", ...readOutcome(error) };
    }
  }

  get meta(): ContentMeta {
    return this.#before.meta;
  }

  /** Fills `buffer` from `offset` on; gives how many bytes there were. */
  read(buffer: Uint8Array, offset: number): number {
    if (offset !== this.#at) this.#at = this.#file.seekSync(offset, Deno.SeekMode.Start);
    let filled = 0;
    while (filled < buffer.length) {
      const count = this.#file.readSync(filled === 0 ? buffer : buffer.subarray(filled));
      if (count === null) break;
      filled += count;
      this.#at += count;
    }
    return filled;
  }

  /** Null while it is the version that was opened. */
  outcome(): Outcome {
    return isStill(this.#file, this.#before)
      ? null
      : { code: "changed", message: "it changed while it was read" };
  }

  [Symbol.dispose](): void {
    if (!this.#closed) this.#file.close();
    this.#closed = true;
  }
}
