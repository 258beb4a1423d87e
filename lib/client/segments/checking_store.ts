import type { SegmentFile } from "./segment_file.ts";
import type { SegmentStore } from "./segment_store.ts";
import { addSpan, type Span } from "./spans.ts";

/** Replaces bytes of a file, and takes down which of them were others before. */
export class CheckingStore implements SegmentStore {
  readonly before = Infinity;
  /** Where bytes were replaced that were wrong, from the first to the last one of each piece. */
  wrong: Span[] = [];

  constructor(readonly file: Pick<SegmentFile, "read" | "write">) {}

  write(at: number, bytes: Uint8Array): void {
    const old = this.file.read(at, bytes.length);
    const first = bytes.findIndex((byte, index) => byte !== old[index]);
    if (first === -1) return;
    const last = bytes.findLastIndex((byte, index) => byte !== old[index]);
    this.wrong = addSpan(this.wrong, { start: at + first, end: at + last + 1 });
    this.file.write(at, bytes);
  }

  /** The first wrong byte of `spans`; null when there is none. */
  firstWrongOf(spans: readonly Span[]): number | null {
    const found = this.wrong.flatMap((wrong) =>
      spans.map((span) => ({ start: Math.max(span.start, wrong.start), end: Math.min(span.end, wrong.end) }))
    ).filter(({ start, end }) => start < end).map(({ start }) => start);
    return found.length === 0 ? null : Math.min(...found);
  }
}
