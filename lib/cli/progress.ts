/** How far a sync is, as text. */
import { assertNever } from "../core/errors.ts";
import type { Meter } from "./progress_display.ts";
import { formatLeft, type Speed, Speedometer } from "./speedometer.ts";
import { formatBytes } from "./units.ts";

export type Progress =
  /** How much there is to do is not known yet; some of it may be done already. */
  | { kind: "listing"; files: number; bytes: number }
  | { kind: "moving"; changes: number; ofChanges: number; bytes: number; ofBytes: number };

/** A change without content is worth so many bytes, so that many small ones count too. */
const CHANGE_WEIGHT = 4096;

function workOf(progress: Progress & { kind: "moving" }): { work: number; total: number } {
  const { changes, ofChanges, bytes, ofBytes } = progress;
  return { work: bytes + CHANGE_WEIGHT * changes, total: ofBytes + CHANGE_WEIGHT * ofChanges };
}

/** What `look` tells, with its speed, in one line. */
export class ProgressMeter implements Meter {
  readonly #speed = new Speedometer();

  constructor(readonly look: () => Progress) {}

  lines(time: number, { columns }: { columns: number }): string[] {
    return [this.#text(time, columns)];
  }

  plain(time: number): string {
    return this.#text(time, Infinity);
  }

  #text(time: number, width: number): string {
    const progress = this.look();
    const speed = progress.kind === "moving"
      ? this.#speed.look({ ...workOf(progress), bytes: progress.bytes }, time)
      : {};
    return progressText(progress, speed, width);
  }
}

/**
 * `progress` in at most `width` columns, which are ASCII: what matters least is left out where there is no room.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const progress = { kind: "moving", changes: 1, ofChanges: 2, bytes: 1000, ofBytes: 2000 } as const;
 * assertEquals(progressText(progress, { rate: 500, left: 2000 }, 80), "50%, 1 kB of 2 kB, 500 B/s, 2 s left, 1 of 2 changes");
 * ```
 */
export function progressText(progress: Progress, speed: Speed, width: number): string {
  const parts = partsOf(progress, speed);
  // The first ones say most.
  while (parts.length > 0 && parts.join(", ").length > width) parts.pop();
  return parts.join(", ");
}

function partsOf(progress: Progress, { rate, left }: Speed): string[] {
  switch (progress.kind) {
    case "listing": {
      const { files, bytes } = progress;
      return [`listing: ${count(files)} files`, ...(bytes > 0 ? [`${formatBytes(bytes)} copied`] : [])];
    }
    case "moving": {
      const { changes, ofChanges, bytes, ofBytes } = progress;
      const { work, total } = workOf(progress);
      return [
        `${total === 0 ? 100 : Math.floor(100 * work / total)}%`,
        ...(ofBytes > 0 ? [`${formatBytes(bytes)} of ${formatBytes(ofBytes)}`] : []),
        ...(rate === undefined || ofBytes === 0 ? [] : [`${formatBytes(Math.round(rate))}/s`]),
        ...(left === undefined ? [] : [`${formatLeft(left)} left`]),
        `${count(changes)} of ${count(ofChanges)} changes`,
      ];
    }
    default:
      return assertNever(progress);
  }
}

function count(n: number): string {
  return n.toLocaleString("en");
}
