/**
 * What one worker has counted, as numbers in memory that its supervisor can read at any time: a worker that is busy, or
 * has died, need not be asked. One writes; the cells are its own.
 */
import type { AccessRecord } from "../../http/access_log.ts";

/** The methods that are told apart; a client could make up any number of others. */
export const METHODS = [
  "GET",
  "HEAD",
  "OPTIONS",
  "PUT",
  "DELETE",
  "POST",
  "PATCH",
  "PROPFIND",
  "PROPPATCH",
  "MKCOL",
  "COPY",
  "MOVE",
  "LOCK",
  "UNLOCK",
  "other",
] as const;

/** Status codes by their first digit. */
export const CLASSES = ["1xx", "2xx", "3xx", "4xx", "5xx"] as const;

/** Upper bounds of the buckets that latencies are sorted into, in seconds; all else is in one more. */
export const BOUNDS = [
  0.0005,
  0.001,
  0.0025,
  0.005,
  0.01,
  0.025,
  0.05,
  0.1,
  0.25,
  0.5,
  1,
  2.5,
  5,
  10,
  60,
] as const;

const REQUESTS = METHODS.length * CLASSES.length;

/** Cells whose values are only ever added to. */
export const COUNTERS = {
  /** First of the requests: by method, then by class. */
  requests: 0,
  /** First of the latencies, by bucket. */
  latency: REQUESTS,
  latencySum: REQUESTS + BOUNDS.length + 1,
  sent: REQUESTS + BOUNDS.length + 2,
  received: REQUESTS + BOUNDS.length + 3,
  hotHits: REQUESTS + BOUNDS.length + 4,
  hotMisses: REQUESTS + BOUNDS.length + 5,
} as const;

const FIRST_GAUGE = COUNTERS.hotMisses + 1;

/** Cells that tell how much there is of something now. */
export const GAUGES = {
  underWay: FIRST_GAUGE,
  hotFiles: FIRST_GAUGE + 1,
  hotBytes: FIRST_GAUGE + 2,
  pushes: FIRST_GAUGE + 3,
} as const;

const CELLS = FIRST_GAUGE + Object.keys(GAUGES).length;

/** The memory of a board. */
export function newBoard(): SharedArrayBuffer {
  return new SharedArrayBuffer(CELLS * Float64Array.BYTES_PER_ELEMENT);
}

const METHOD_CELLS = new Map<string, number>(
  METHODS.map((method, index) => [method, COUNTERS.requests + index * CLASSES.length]),
);
const OTHER = METHOD_CELLS.get("other")!;

/** Writes a worker's board. */
export class Meter {
  readonly #cells: Float64Array;

  constructor(board: SharedArrayBuffer) {
    this.#cells = new Float64Array(board);
  }

  /** Counts one finished exchange. */
  finished({ method, status, bytes, ms }: Pick<AccessRecord, "method" | "status" | "bytes" | "ms">): void {
    const cells = this.#cells;
    const kind = Math.min(CLASSES.length, Math.max(1, Math.floor(status / 100))) - 1;
    cells[(METHOD_CELLS.get(method) ?? OTHER) + kind]++;
    const seconds = ms / 1000;
    let bucket = 0;
    while (bucket < BOUNDS.length && seconds > BOUNDS[bucket]) bucket++;
    cells[COUNTERS.latency + bucket]++;
    cells[COUNTERS.latencySum] += seconds;
    cells[COUNTERS.sent] += bytes;
  }

  /** Puts down what has been counted elsewhere. */
  set(name: keyof typeof GAUGES | "received" | "hotHits" | "hotMisses", value: number): void {
    this.#cells[name in GAUGES ? GAUGES[name as keyof typeof GAUGES] : COUNTERS[name as "received"]] = value;
  }
}

/** The sum of the boards of those who work, and the counters of those who have gone. */
export class Boards {
  readonly #boards = new Set<SharedArrayBuffer>();
  readonly #past = new Float64Array(CELLS);

  /** A board for one more worker. */
  add(): SharedArrayBuffer {
    const board = newBoard();
    this.#boards.add(board);
    return board;
  }

  /** The worker that had `board` writes no more. */
  remove(board: SharedArrayBuffer): void {
    if (!this.#boards.delete(board)) return;
    addTo(this.#past, board);
    this.#past.fill(0, FIRST_GAUGE);
  }

  /** How many workers there are. */
  get size(): number {
    return this.#boards.size;
  }

  sum(): Float64Array {
    const sum = this.#past.slice();
    for (const board of this.#boards) addTo(sum, board);
    return sum;
  }
}

function addTo(sum: Float64Array, board: SharedArrayBuffer): void {
  const cells = new Float64Array(board);
  for (let cell = 0; cell < CELLS; cell++) sum[cell] += cells[cell];
}
