/** How far the requests of one call are, a line each. Counters are read when it is drawn, and never told of bytes. */
import { barLines, barSentence, type Row } from "../cli/bar.ts";
import type { Meter } from "../cli/progress_display.ts";
import { type Speed, Speedometer } from "../cli/speedometer.ts";
import { formatMs } from "../cli/units.ts";
import { quote } from "../core/errors.ts";

/** How far one transfer is, in bytes of its body. */
export interface Amount {
  /** Those that are there, or have gone. */
  done: number;
  /** How many there will be, when that is known. */
  size?: number;
  /** Those that this run has moved. */
  moved: number;
}

/** One transfer, as it shows itself. */
export interface Moving {
  readonly amount: Amount;
  readonly retries: number;
}

/** What a line is about. */
interface Line {
  /** A path, or a URL. */
  name: () => string;
  moving: Moving;
  began: number;
  speed: Speedometer;
}

/** What is over sooner has no line of its own among several. */
const LINE_AFTER_MS = 1000;
const MOST_LINES = 10;

/** Shows those that were begun and not ended. */
export class TransfersMeter implements Meter {
  readonly #active = new Set<Line>();
  readonly #speed = new Speedometer();
  readonly #began = performance.now();
  #done = 0;
  #failed = 0;
  /** Of those that are over. */
  #bytes = 0;
  /** The one there was, when there was but one. */
  #only: Line | null = null;

  /** `total` is how many there will be, when that is known. */
  constructor(readonly total?: number) {}

  /** A transfer is under way until that is disposed of. `name` is a path or a URL, and may become another one. */
  begin(name: () => string, moving: Moving): Disposable {
    const line = { name, moving, began: performance.now(), speed: new Speedometer() };
    this.#active.add(line);
    this.#only = this.total === 1 ? line : null;
    return { [Symbol.dispose]: () => void this.#active.delete(line) };
  }

  /** One is over, whether it was ever begun or not; it moved so many bytes. */
  ended(bytes: number, failed: boolean): void {
    this.#done++;
    if (failed) this.#failed++;
    this.#bytes += bytes;
  }

  lines(time: number, { columns, rows }: { columns: number; rows: number }): string[] {
    if (this.#only !== null) return barLines([rowOf(this.#only, time)], columns);
    const shown: Row[] = [];
    const most = Math.min(MOST_LINES, rows - 1);
    for (const line of this.#active) {
      if (shown.length >= most) break;
      // The first one is the oldest.
      if (time - line.began < LINE_AFTER_MS) break;
      shown.push(rowOf(line, time));
    }
    return barLines([...shown, this.#all(time)], columns);
  }

  plain(time: number): string {
    return barSentence(this.#only === null ? this.#all(time) : rowOf(this.#only, time));
  }

  last(time: number, { columns }: { columns: number }): string[] {
    const row = this.#only === null ? this.#all(time) : rowOf(this.#only, time);
    const ms = Math.max(1, time - this.#began);
    const rate = this.#bytes / ms * 1000;
    const note = `in ${formatMs(ms)}`;
    return barLines([{ ...row, share: 1, size: undefined, speed: { rate }, note }], columns);
  }

  /** All of them together. */
  #all(time: number): Row {
    const { total } = this;
    let bytes = this.#bytes;
    let work = this.#done;
    for (const { moving } of this.#active) {
      const { done, size, moved } = moving.amount;
      bytes += moved;
      if (size !== undefined && size > 0) work += Math.min(1, done / size);
    }
    const speed = this.#speed.look({ work, total, bytes }, time);
    const failed = this.#failed > 0 ? `, ${count(this.#failed)} failed` : "";
    const of = total === undefined ? "" : ` of ${count(total)}`;
    return {
      name: `${count(this.#done)}${of} done${failed}`,
      whole: true,
      bytes,
      share: total === undefined ? undefined : total === 0 ? 1 : work / total,
      speed,
    };
  }
}

function rowOf({ name, moving, speed }: Line, time: number): Row {
  const { done, size, moved } = moving.amount;
  const { retries } = moving;
  const total = size === undefined ? undefined : moved + Math.max(0, size - done);
  const measured: Speed = speed.look({ work: moved, total, bytes: moved }, time);
  return {
    name: shownName(name()),
    bytes: done,
    size,
    share: size === undefined ? undefined : size === 0 ? 1 : done / size,
    speed: measured,
    note: retries === 0 ? undefined : retries === 1 ? "1 retry" : `${retries} retries`,
  };
}

/** The last name of a path or URL, else its host, as a terminal may show it. */
function shownName(name: string): string {
  const url = URL.parse(name);
  const last = (url?.pathname ?? name).split("/").at(-1)!;
  if (url === null) return quote(last);
  try {
    return quote(decodeURIComponent(last)) || url.host;
  } catch {
    return quote(last);
  }
}

function count(n: number): string {
  return n.toLocaleString("en");
}
