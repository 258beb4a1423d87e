/**
 * Keeps an eye on the exchanges with one server: one that falls silent, or only drips, is broken off with `timeout`.
 * Only the time counts in which the server has to do something; what this side waits for by itself does not.
 */
import { formatBytes, formatMs } from "../../cli/units.ts";
import { FerryError } from "../../core/errors.ts";
import type { Flow } from "../../wire/flow.ts";
import type { Pace } from "../pace.ts";

/** Not a byte for so long: the server has gone, or hangs. */
export const SILENCE_MS = 60_000;

/** The same where the server may have to wait for its disk until it can answer. */
export const PATIENCE_MS = 10 * 60_000;

/** Over so much waiting at least so many bytes a second have to come from the server in all. */
const WINDOW_MS = 120_000;
const LEAST_RATE = 1000;

/** How fast bytes may move, each way. */
export interface Paces {
  received?: Pace;
  sent?: Pace;
}

export interface WatchOptions {
  /** What messages call the server. */
  label: string;
  /** Ends every exchange. */
  stop?: AbortSignal;
  paces?: Paces;
  silence?: number;
  window?: number;
  now?: () => number;
}

/** The exchanges with one server. Close it when they are over. */
export class Watch {
  readonly options: Required<Omit<WatchOptions, "stop">> & { stop?: AbortSignal };
  /** Bytes that have moved, in all exchanges. */
  total = 0;
  readonly #pending = new Set<Exchange>();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(options: WatchOptions) {
    const defaults = { paces: {}, silence: SILENCE_MS, window: WINDOW_MS, now: () => performance.now() };
    this.options = { ...defaults, ...options };
    options.stop?.addEventListener("abort", this.#stop);
  }

  /** A new exchange, which waits for its server from now on. */
  begin(options: { silence?: number } = {}): Exchange {
    return new Exchange(this, options.silence ?? this.options.silence);
  }

  /** Takes note of one that waits for the server, until it is taken off. */
  add(exchange: Exchange): void {
    this.#pending.add(exchange);
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.check(), Math.min(1000, this.options.silence / 4));
    Deno.unrefTimer(this.#timer as unknown as number);
  }

  delete(exchange: Exchange): void {
    this.#pending.delete(exchange);
  }

  /** Breaks off what has waited too long. */
  check(): void {
    for (const exchange of this.#pending) exchange.check();
  }

  /** Breaks off every exchange that waits for the server. */
  abort(reason: unknown): void {
    for (const exchange of this.#pending) exchange.abort(reason);
  }

  #stop = (): void => this.abort(this.options.stop!.reason);

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.options.stop?.removeEventListener("abort", this.#stop);
  }
}

/** One request and its answer. As a Flow it is told of the bytes of the answer, by `sent` of those of the request. */
export class Exchange implements Flow {
  readonly #controller = new AbortController();
  readonly #watch: Watch;
  readonly #silence: number;
  /** Since when the server has to do something; undefined while this side has. */
  #since: number | undefined;
  /** The waiting of the current window, and the bytes that had moved when it began. */
  #waited = 0;
  #before: number;

  constructor(watch: Watch, silence: number) {
    this.#watch = watch;
    this.#silence = silence;
    this.#before = watch.total;
    this.wait();
  }

  /** For `fetch`. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  wait(): void {
    const { stop, now } = this.#watch.options;
    if (stop?.aborted) return this.abort(stop.reason);
    if (this.#since === undefined) this.#watch.add(this);
    else this.#waited += now() - this.#since;
    this.#since = now();
  }

  /** It is this side that has to do something now, or nobody. */
  rest(): void {
    if (this.#since === undefined) return;
    this.#waited += this.#watch.options.now() - this.#since;
    this.#since = undefined;
    this.#watch.delete(this);
  }

  moved(bytes: number): void | Promise<void> {
    this.rest();
    this.#watch.total += bytes;
    return this.#watch.options.paces.received?.take(bytes, this.#watch.options.stop);
  }

  /** Before so many bytes go to the server. What it returns is awaited before they do. */
  sent(bytes: number): void | Promise<void> {
    this.rest();
    this.#watch.total += bytes;
    return this.#watch.options.paces.sent?.take(bytes, this.#watch.options.stop);
  }

  /** How many bytes to send at once, at most `most`. */
  outPiece(most: number): number {
    return this.#watch.options.paces.sent?.pieceSize(most) ?? most;
  }

  piece(most: number): number {
    return this.#watch.options.paces.received?.pieceSize(most) ?? most;
  }

  /** The server has shown that it works on an answer that takes long: however few bytes that was, it is no drip. */
  alive(): void {
    this.#waited = 0;
    this.#before = this.#watch.total;
  }

  check(): void {
    if (this.#since === undefined) return;
    const { now, label, window } = this.#watch.options;
    const silent = now() - this.#since;
    if (silent >= this.#silence) {
      return this.abort(new FerryError("timeout", `${label}: not a byte moved for ${formatMs(silent)}`));
    }
    const waited = this.#waited + silent;
    if (waited < window) return;
    const bytes = this.#watch.total - this.#before;
    if (bytes >= waited / 1000 * LEAST_RATE) return this.alive();
    const message = `${label}: only ${formatBytes(bytes)} moved in ${formatMs(waited)}`;
    this.abort(new FerryError("timeout", message));
  }

  abort(reason: unknown): void {
    this.rest();
    this.#controller.abort(reason);
  }
}
