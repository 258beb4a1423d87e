/** Shows how far something is: lines that are redrawn in place on a terminal, or a plain line now and then elsewhere. */
import type { Io } from "./io.ts";
import { textWidth } from "./text_width.ts";

/** What there is to show. */
export interface Meter {
  /** The lines for a terminal at `time` (milliseconds of any clock), each narrower than `columns`, at most `rows`. */
  lines(time: number, room: { columns: number; rows: number }): string[];
  /** The same in one line of any length. */
  plain(time: number): string;
  /** The lines that stay on a terminal when all is done. */
  last?(time: number, room: { columns: number; rows: number }): string[];
}

export interface ProgressOptions {
  write(text: string): void;
  /** Of the terminal at the moment. */
  columns(): number;
  rows(): number;
  meter: Meter;
  /** On a terminal: redrawn in place. Else a line every few seconds. */
  live: boolean;
}

const DRAW_MS = 200;
const LINE_MS = 5000;

// ECMA-48: erase to the end of the line (EL), to the end of the screen (ED), cursor up (CUU).
const CLEAR_LINE = "\x1b[K";
const CLEAR_BELOW = "\x1b[J";
const up = (lines: number) => lines > 0 ? `\x1b[${lines}A` : "";

/** Shows `meter` until it is stopped. */
export class ProgressDisplay {
  readonly #options: ProgressOptions;
  #timer: ReturnType<typeof setInterval> | undefined;
  /** The widths of the lines on the terminal now; the cursor stands at the end of the last one. */
  #drawn: number[] = [];
  #shown = false;
  #ended = false;

  constructor(options: ProgressOptions) {
    this.#options = options;
  }

  /** From now on it is drawn a few times a second, for the first time a moment later: what is quick shows nothing. */
  start(): void {
    const { live } = this.#options;
    this.#timer = setInterval(() => this.show(performance.now()), live ? DRAW_MS : LINE_MS);
  }

  /** Shows what is the case at `time`. */
  show(time: number): void {
    const { write, meter, live } = this.#options;
    if (live) this.#draw(meter.lines(time, this.#room()));
    else write(`ferry: ${meter.plain(time)}\n`);
    this.#shown = true;
  }

  /** Makes room for other lines; the next time it is drawn below them. */
  clear(): void {
    if (this.#drawn.length > 0) this.#options.write(this.#toTop() + "\r" + CLEAR_BELOW);
    this.#drawn = [];
  }

  /**
   * Ends it. On a terminal the last lines stay when all is `done` and it took long enough to be seen; elsewhere the
   * last line says how far it came.
   */
  stop(done = false): void {
    const { live, meter, write } = this.#options;
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#timer);
    if (!live) return this.show(performance.now());
    const last = done && this.#shown ? meter.last?.(performance.now(), this.#room()) ?? [] : [];
    this.clear();
    if (last.length > 0) write(last.join("\n") + "\n");
  }

  #room(): { columns: number; rows: number } {
    // The last column stays free: some terminals wrap a line that fills it.
    return { columns: this.#options.columns() - 1, rows: this.#options.rows() - 1 };
  }

  /** In one piece, each line over the one that was there, so that nothing flickers. */
  #draw(lines: readonly string[]): void {
    const frame = lines.map((line) => "\r" + line + CLEAR_LINE).join("\n");
    this.#options.write(this.#toTop() + frame + (this.#height() > lines.length ? CLEAR_BELOW : ""));
    this.#drawn = lines.map(textWidth);
  }

  #toTop(): string {
    return up(this.#height() - 1);
  }

  /** Rows that the drawn lines take: on a terminal that has become narrower they are wrapped. */
  #height(): number {
    const columns = Math.max(1, this.#options.columns());
    return this.#drawn.reduce((rows, width) => rows + Math.max(1, Math.ceil(width / columns)), 0);
  }
}

/**
 * `io` for whoever writes while `display` is shown on a terminal: it gives way to lines for the same terminal, and ends
 * when bytes of a body go there, after which nobody knows where the cursor is.
 */
export function besideProgress(io: Io, display: ProgressDisplay): Io {
  const after = <A, R>(before: () => void, write: (what: A) => R) => (what: A) => {
    before();
    return write(what);
  };
  const clear = () => display.clear();
  const stop = () => display.stop();
  const beside = { ...io, err: after(clear, io.err) };
  if (!io.stdoutIsTerminal || !io.stderrIsTerminal) return beside;
  const { writeAsync } = io;
  return {
    ...beside,
    out: after(clear, io.out),
    write: after(stop, io.write),
    writeAsync: writeAsync && after(stop, writeAsync),
  };
}
