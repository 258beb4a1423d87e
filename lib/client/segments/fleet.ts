/** The connections of a download in segments: what each does next, and what becomes of one that fails. */
import { FerryError } from "../../core/errors.ts";
import type { Deadline } from "../deadline.ts";
import type { Answer } from "../exchange.ts";
import { FetchError } from "../fetch_error.ts";
import { type Pace, sleep } from "../pace.ts";
import { pump } from "../pump.ts";
import { mayRetry, retryWait } from "../retry.ts";
import { StatusError } from "../status_error.ts";
import { PROGRESS } from "../try_again.ts";
import type { SegmentPlan } from "./plan.ts";
import type { SegmentStore } from "./segment_store.ts";
import type { Source } from "./source.ts";
import { addSpan, type Span } from "./spans.ts";
import { isBusy, newWorker, slowest, type Worker } from "./worker.ts";

export interface FleetOptions {
  retries: number;
  signal: AbortSignal;
  deadline: Deadline;
  pace?: Pace;
  /** A connection that brings nothing for so long gives its bytes to one that has nothing to do. */
  stall?: number;
  /** One that will take longer than `ms` shares its bytes with those that have nothing to do, down to twice `least`. */
  slow?: { ms: number; least: number };
  /** Bytes have come, and are written. */
  onBytes?: (count: number) => void;
  onRetry?: (why: string) => void;
  onNotice?: (text: string) => void;
}

const STALL_MS = 10_000;
const SLOW = { ms: 1_000, least: 16 << 10 };

/** What a server says that wants fewer requests at a time. */
const CROWDED: readonly number[] = [429, 503];

/** Ends a body whose rest somebody else has taken over. */
const ENOUGH = new RangeError("enough");

/** An answer that is there already. */
export interface Opened {
  span: Span;
  answer: Answer;
}

/** All connections of one download. */
export class Fleet {
  #workers: Worker[] = [];
  #loops: Promise<void>[] = [];
  #failed = new AbortController();
  #signal: AbortSignal;
  #stall: number;
  /** The one that all others wait for. */
  #slowest: Worker | null = null;
  /** Bytes that all connections brought. */
  #brought = 0;
  #news = Promise.withResolvers<void>();

  constructor(readonly plan: SegmentPlan, readonly store: SegmentStore, readonly options: FleetOptions) {
    this.#stall = options.stall ?? STALL_MS;
    this.#signal = AbortSignal.any([options.signal, this.#failed.signal]);
  }

  /** One more connection to `source`; it begins with what was `opened`, if anything. */
  add(source: Source, opened?: Opened): void {
    if (this.plan.done && opened === undefined) return;
    const worker = newWorker(this.#workers.length, source);
    this.#workers.push(worker);
    this.#loops.push(this.#work(worker, opened));
  }

  /** Lets those look again who found nothing to do. */
  wake(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }

  /** Ends it all; `run` throws `error`. */
  fail(error: unknown): void {
    this.#failed.abort(error);
    this.wake();
  }

  /** Until every byte is there. Throws what made that impossible, or the reason of the signal. */
  async run(): Promise<void> {
    const timer = setInterval(() => this.#look(), Math.min(1000, this.#stall));
    const stop = () => this.wake();
    this.#signal.addEventListener("abort", stop);
    try {
      // Some may be added meanwhile.
      for (let at = 0; at < this.#loops.length; at++) await this.#loops[at];
    } finally {
      clearInterval(timer);
      this.#signal.removeEventListener("abort", stop);
    }
    if (this.#signal.aborted) throw this.#signal.reason;
    if (!this.plan.done) throw new Error("every connection has ended, and bytes are missing");
  }

  /** Never rejects. */
  async #work(worker: Worker, opened: Opened | undefined): Promise<void> {
    try {
      while (!this.plan.done && !this.#signal.aborted) {
        const span = this.plan.claim(worker.id, this.store.before) ?? this.#fromSlowest(worker);
        if (span === null) {
          worker.state = "idle";
          await this.#news.promise;
        } else if (!await this.#try(worker, span, opened)) break;
        else opened = undefined;
      }
    } catch (error) {
      this.fail(error);
    }
    worker.state = "gone";
    await opened?.answer.response.body?.cancel();
    this.wake();
  }

  /** One request of `worker`. Gives whether it goes on. */
  async #try(worker: Worker, span: Span, opened: Opened | undefined): Promise<boolean> {
    if (worker.source.dropped !== undefined) worker.source = this.#others(worker.source)[0] ?? worker.source;
    const { source } = worker;
    let got = span;
    try {
      try {
        await this.#fetch(worker, span, opened);
      } finally {
        got = this.plan.release(worker.id);
        source.brought = addSpan(source.brought, got);
        this.wake();
      }
      worker.failures = 0;
      return true;
    } catch (error) {
      if (this.#signal.aborted) return false;
      const moved = got.end > got.start && this.#brought - worker.before >= PROGRESS;
      worker.failures = moved ? 1 : worker.failures + 1;
      worker.before = this.#brought;
      return await this.#afterFailure(worker, error);
    }
  }

  async #fetch(worker: Worker, span: Span, opened: Opened | undefined): Promise<void> {
    const { source, id } = worker;
    const { plan, store, options } = this;
    worker.attempt = new AbortController();
    worker.state = "asking";
    worker.moved = performance.now();
    const signal = AbortSignal.any([this.#signal, worker.attempt.signal]);
    const { span: served, answer } = opened ?? await source.fetch(span, signal);
    worker.state = "receiving";
    worker.began = worker.moved = performance.now();
    worker.first = span.start;
    const take = (bytes: Uint8Array) => {
      const { start, end } = plan.rest(id);
      const mine = bytes.length > end - start ? bytes.subarray(0, end - start) : bytes;
      try {
        store.write(start, mine);
      } catch (error) {
        // No other server helps against that.
        this.fail(error);
        throw error;
      }
      plan.advance(id, mine.length);
      worker.moved = performance.now();
      this.#brought += mine.length;
      options.onBytes?.(mine.length);
      if (start + mine.length === end && end < served.end) throw ENOUGH;
    };
    try {
      await pump(answer.response.body, take, {
        url: answer.hop.url,
        limit: Math.min(served.end, plan.rest(id).end) - span.start,
        pace: options.pace,
        signal,
      });
    } catch (error) {
      if (error !== ENOUGH) throw error;
    }
  }

  /** What `worker` does after `error`: whether it goes on. Throws `error` when nobody can. */
  async #afterFailure(worker: Worker, error: unknown): Promise<boolean> {
    const { source, failures } = worker;
    const { retries, deadline, onRetry, onNotice } = this.options;
    const others = this.#workers.some((one) =>
      one !== worker && one.source === source && one.state === "receiving"
    );
    if (error instanceof StatusError && CROWDED.includes(error.status) && others) {
      if (!source.crowded) {
        onNotice?.(`${source.label} answers ${error.status} to more connections: going on with fewer`);
      }
      source.crowded = true;
      return false;
    }
    const retryAfter = error instanceof StatusError ? error.retryAfter : undefined;
    const wait = retryWait(failures, { retryAfter });
    if (!mayRetry(error, { method: "GET", rereadable: true })) {
      // What a redirect led to may be there for a while only.
      if (error instanceof StatusError && source.backToFirst()) return true;
      return this.#drop(source, error);
    }
    if (failures > retries || !deadline.allows(wait)) {
      // The others have more luck; and if they have not, the last of them decides.
      return others ? false : this.#drop(source, error);
    }
    const seconds = wait < 10_000 ? (wait / 1000).toFixed(1) : Math.round(wait / 1000);
    onRetry?.(`${(error as Error).message}; trying again in ${seconds} s (${failures} of ${retries})`);
    worker.state = "waiting";
    await sleep(wait, this.#signal);
    return true;
  }

  /** `source` is not asked any more; true when another one is there to be asked. */
  #drop(source: Source, error: unknown): boolean {
    if (!(error instanceof FerryError)) throw error;
    const others = this.#others(source);
    if (others.length === 0) throw error;
    if (source.dropped === undefined) {
      this.options.onNotice?.(`${source.label} is left out: ${error.message}`);
    }
    source.dropped = error;
    return true;
  }

  /** The sources beside `source` that are still asked, the one with the fewest connections first. */
  #others(source: Source): Source[] {
    const count = (one: Source) => this.#workers.filter((worker) => worker.source === one).length;
    const all = new Set(this.#workers.map((worker) => worker.source));
    return [...all].filter((one) => one !== source && one.dropped === undefined)
      .sort((a, b) => count(a) - count(b));
  }

  #fromSlowest(worker: Worker): Span | null {
    const { least } = this.options.slow ?? SLOW;
    return this.#slowest === null ? null : this.plan.share(this.#slowest.id, worker.id, least);
  }

  /** Those that have nothing to do get what others do not come to. */
  #look(): void {
    let idle = this.#workers.filter(({ state }) => state === "idle").length;
    this.#slowest = idle === 0 ? null : slowest(this.#workers, this.plan, (this.options.slow ?? SLOW).ms);
    if (this.#slowest !== null) this.wake();
    for (const worker of this.#workers) {
      const silent = performance.now() - worker.moved;
      if (idle === 0 || !isBusy(worker) || silent < this.#stall) continue;
      idle--;
      // A server that only takes its time gets more and more of it.
      this.#stall *= 2;
      const message = `${worker.source.label}: not a byte moved for ${Math.round(silent / 1000)} s`;
      worker.attempt.abort(new FetchError("timeout", message, { transient: true, sent: true }));
    }
  }
}
