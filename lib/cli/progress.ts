/** How far something is: one line that is redrawn on a terminal, or a plain line now and then elsewhere. */
import { assertNever } from "../core/errors.ts";
import { formatBytes } from "./units.ts";

export type Progress =
  /** How much there is to do is not known yet; some of it may be done already. */
  | { kind: "listing"; files: number; bytes: number }
  | { kind: "moving"; changes: number; ofChanges: number; bytes: number; ofBytes: number };

/** How fast it went lately: bytes a second, and milliseconds left; undefined as long as nobody can tell. */
export interface Speed {
  rate?: number;
  left?: number;
}

/** A change without content is worth so many bytes, so that many small ones count too. */
const CHANGE_WEIGHT = 4096;

/** What is looked back at, and how long at least. */
const WINDOW_MS = 5000;
const LEAST_MS = 1000;

/** Measures the speed of what it is shown. */
export class Speedometer {
  #samples: { time: number; work: number; bytes: number }[] = [];

  /** The speed after `progress` at `time`, milliseconds of any clock. */
  look(progress: Progress, time: number): Speed {
    if (progress.kind !== "moving") return {};
    const { work, total } = workOf(progress);
    const { bytes } = progress;
    this.#samples.push({ time, work, bytes });
    while (this.#samples.length > 2 && time - this.#samples[1].time >= WINDOW_MS) this.#samples.shift();
    const [first] = this.#samples;
    const ms = time - first.time;
    if (ms < LEAST_MS) return {};
    const speed = (work - first.work) / ms;
    return {
      rate: (bytes - first.bytes) / ms * 1000,
      ...(speed > 0 ? { left: (total - work) / speed } : {}),
    };
  }
}

function workOf(progress: Progress & { kind: "moving" }): { work: number; total: number } {
  const { changes, ofChanges, bytes, ofBytes } = progress;
  return { work: bytes + CHANGE_WEIGHT * changes, total: ofBytes + CHANGE_WEIGHT * ofChanges };
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

function formatLeft(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 100 ? `${hours} h ${minutes % 60} min` : `${Math.round(hours / 24)} days`;
}

export interface ProgressOptions {
  write(text: string): void;
  /** Columns of the terminal at the moment. */
  columns(): number;
  look(): Progress;
  /** On a terminal: redrawn in place. Else a line every few seconds. */
  live: boolean;
}

const DRAW_MS = 200;
const LINE_MS = 5000;

/** Carriage return, and erase to the end of the line (ECMA-48, EL). */
const CLEAR = "\r\x1b[K";

/** Shows how far something is until it is stopped. */
export class ProgressDisplay {
  readonly #options: ProgressOptions;
  readonly #speed = new Speedometer();
  #timer: ReturnType<typeof setInterval> | undefined;
  #drawn = false;

  constructor(options: ProgressOptions) {
    this.#options = options;
  }

  start(): void {
    const { live } = this.#options;
    this.#timer = setInterval(() => this.show(performance.now()), live ? DRAW_MS : LINE_MS);
  }

  /** Shows what is the case at `time`. */
  show(time: number): void {
    const { write, columns, look, live } = this.#options;
    const progress = look();
    const speed = this.#speed.look(progress, time);
    // The last column stays free: some terminals wrap a line that fills it.
    const text = progressText(progress, speed, live ? columns() - 1 : Infinity);
    write(live ? CLEAR + text : `ferry: ${text}\n`);
    this.#drawn = live;
  }

  /** Makes room for other lines; the next time it is drawn below them. */
  clear(): void {
    if (this.#drawn) this.#options.write(CLEAR);
    this.#drawn = false;
  }

  /** Ends it; without a terminal the last line says how far it came. */
  stop(): void {
    clearInterval(this.#timer);
    this.clear();
    if (!this.#options.live) this.show(performance.now());
  }
}
