/** A download in segments on its way into a file: the part has its full size from the beginning. */
import { FerryError, quote } from "../../core/errors.ts";
import type { PartFile } from "../parts/part_file.ts";
import type { ByteRange } from "../parts/part_note.ts";
import type { SegmentStore } from "./segment_store.ts";
import type { Seen } from "./source.ts";
import { countOf, type Span } from "./spans.ts";

/** The note is behind by so much at most, if the program is killed. */
const NOTE_EVERY_MS = 500;

/** What an earlier run left. */
export interface Earlier extends Seen {
  have: Span[];
}

export interface SegmentFileOptions {
  /** The SHA-256 that is demanded of the whole. */
  sha256?: string;
  /** The note is written after so many milliseconds at the earliest. */
  noteEvery?: number;
}

export class SegmentFile implements SegmentStore {
  readonly before = Infinity;
  #notedAt = 0;
  /** Free bytes; null where the system does not tell. */
  #room: number | null = null;

  constructor(readonly sink: PartFile, readonly options: SegmentFileOptions = {}) {}

  /** What an earlier run left of `url`, in segments or not; null for nothing that can be gone on with. */
  earlier(url: URL): Earlier | null {
    const position = this.sink.position(url, this.options.sha256);
    if (position?.size === undefined || position.validator === undefined) return null;
    const have = this.sink.ranges.map(([start, end]) => ({ start, end }));
    return { size: position.size, validator: position.validator, have };
  }

  /** Looks how much room there is; done while the server is being asked, since what is loaded for it takes 10 ms. */
  async look(): Promise<void> {
    this.#room = await roomFor(this.sink.path);
  }

  /** Makes room for what `url` has, of which `have` is there. Throws `disk_full` when it cannot fit. */
  begin({ size, validator }: Seen, { url, have }: { url: URL; have: readonly Span[] }): void {
    const { sink } = this;
    const needed = size - countOf(have);
    const room = this.#room;
    if (room !== null && room < needed) {
      throw new FerryError(
        "disk_full",
        `cannot write ${quote(sink.path)}: ${needed} bytes are to come, and ${room} are free`,
      );
    }
    sink.spread({ start: 0, have: 0, size, validator }, { url, ranges: rangesOf(have) });
    // The first bytes bring the first note, so that there is room for it should the disk fill up.
    this.#notedAt = -Infinity;
  }

  write(at: number, bytes: Uint8Array): void {
    this.sink.writeAt(bytes, at);
  }

  /** The bytes that are there from `at` on, whatever they are. */
  read(at: number, length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    this.sink.readAt(bytes, at);
    return bytes;
  }

  /** Takes down now and then that `have()` is there, so that a killed program can be gone on from. */
  note(have: () => readonly Span[]): void {
    const now = performance.now();
    if (now - this.#notedAt < (this.options.noteEvery ?? NOTE_EVERY_MS)) return;
    this.#notedAt = now;
    this.sink.noteRanges(rangesOf(have()));
  }

  /** The end of a failed run; with `keep` what is there can be gone on from. Gives the path that it is kept under. */
  abandon(have: readonly Span[], keep: boolean): string | null {
    const kept = keep && have[0]?.start === 0;
    if (kept) this.sink.noteRanges(rangesOf(have));
    return this.sink.abandon({ start: 0, have: countOf(have) }, kept);
  }
}

function rangesOf(spans: readonly Span[]): ByteRange[] {
  return spans.map(({ start, end }) => [start, end]);
}

async function roomFor(path: string): Promise<number | null> {
  try {
    const { statfsSync } = await import("node:fs");
    const { bavail, bsize } = statfsSync(path.includes("/") ? path.slice(0, path.lastIndexOf("/") + 1) : ".");
    return bavail * bsize;
  } catch {
    return null;
  }
}
