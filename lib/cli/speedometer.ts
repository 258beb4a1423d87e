/** How fast something goes, seen from how far it was a few seconds ago. */

/** How far something is. */
export interface Reading {
  /** What is done and what there is to do, in whatever unit; without a total nobody can tell how long it takes. */
  work: number;
  total?: number;
  bytes: number;
}

/** How fast it went lately: bytes a second, and milliseconds left; undefined as long as nobody can tell. */
export interface Speed {
  rate?: number;
  left?: number;
}

/** What is looked back at, and how long at least. */
const WINDOW_MS = 5000;
const LEAST_MS = 1000;

/** Measures the speed of what it is shown. */
export class Speedometer {
  #samples: (Reading & { time: number })[] = [];

  /** The speed at `time`, milliseconds of any clock. */
  look(reading: Reading, time: number): Speed {
    this.#samples.push({ ...reading, time });
    while (this.#samples.length > 2 && time - this.#samples[1].time >= WINDOW_MS) this.#samples.shift();
    const [first] = this.#samples;
    const ms = time - first.time;
    if (ms < LEAST_MS) return {};
    const speed = (reading.work - first.work) / ms;
    return {
      // What starts over goes backwards for a moment.
      rate: Math.max(0, reading.bytes - first.bytes) / ms * 1000,
      ...(speed > 0 && reading.total !== undefined
        ? { left: Math.max(0, reading.total - reading.work) / speed }
        : {}),
    };
  }
}

/** Milliseconds as people count down: `17 s`, `3 min`, `2 h 30 min`, `10 days`. */
export function formatLeft(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 100 ? `${hours} h ${minutes % 60} min` : `${Math.round(hours / 24)} days`;
}
