/** `ferry request` over its URLs: some at a time, each with its outcome. */
import type { Io } from "../cli/io.ts";
import { exitStatus, FerryError } from "../core/errors.ts";
import type { Job, Jobs } from "./jobs/job.ts";
import { Ahead } from "./jobs/ahead.ts";
import { inParallel } from "./jobs/in_parallel.ts";
import { OrderedOut } from "./jobs/ordered_out.ts";
import { type Outcome, worse } from "./jobs/outcome.ts";
import { type Done, OutcomeTeller } from "./outcome_teller.ts";
import { TakenPaths } from "./jobs/taken_paths.ts";
import { Pace } from "./pace.ts";
import { RunMessages } from "./run_messages.ts";
import { RequestClients } from "./request_clients.ts";
import { type Sending, uploadUrl } from "./request_input.ts";
import type { RequestSettings, RequestTools } from "./request_settings.ts";
import { type RunParts, transferOne } from "./request_transfer.ts";
import { hideUserinfo } from "./credentials/credentials.ts";
import { parseTarget } from "./target.ts";
import { TransferWays } from "./transfer_ways.ts";
import { StatusError } from "./status_error.ts";
import type { TransfersMeter } from "./transfers_meter.ts";

/** Why those end that were under way when another one failed. */
const FAILED_EARLY = new Error("another URL has failed");

/** For so many URLs nothing more is made ready than each of them needs; behind so many there may be many. */
const FEW = 16;
const SOME = 4;

/** The requests of one call. */
export class RequestRun implements Disposable {
  readonly #clients: RequestClients;
  readonly #paths = new TakenPaths();
  /** What each of them is done with. */
  readonly #parts: RunParts;
  /** The rate that all of them have together. */
  #pace: Pace | undefined;
  readonly #order: OrderedOut;
  readonly #teller: OutcomeTeller;
  /** Ends what is under way when one of them has ended it all. */
  readonly #halt = new AbortController();
  readonly #stop: AbortSignal;
  /** When the lane for many has ended, where there is one. */
  #laneEnd: Promise<void> | undefined;

  /** `io` gives way to `progress`, where there is one to tell of the transfers. */
  constructor(readonly settings: RequestSettings, readonly io: Io, readonly progress?: TransfersMeter) {
    this.#stop = AbortSignal.any([io.stop, this.#halt.signal]);
    const clients = this.#clients = new RequestClients(settings);
    this.#parts = {
      settings,
      io,
      clients,
      ways: new TransferWays(settings, clients),
      messages: new RunMessages(settings, io),
      paths: this.#paths,
      pace: () => this.#sharedPace(),
      progress,
      stop: this.#stop,
    };
    this.#order = new OrderedOut(io);
    this.#teller = new OutcomeTeller(settings, { io, order: this.#order, progress });
  }

  /**
   * Does `jobs`, some at a time; one that fails is told, and the others go on. Gives the exit status of the worst. Throws
   * only when the program is to stop.
   */
  async all(jobs: Jobs): Promise<number> {
    const { failEarly, parallel } = this.settings;
    let exit = 0;
    const ended = (done: Done) => {
      const status = this.#teller.tell(done);
      // What ends it all is the first failure, whatever others come about by that.
      if (failEarly && exit !== 0) return;
      exit = worse(exit, status);
      if (failEarly && exit !== 0) this.#halt.abort(FAILED_EARLY);
    };
    const options = { width: parallel, signal: this.#stop };
    const fromLane = (outcome: Outcome, job: Job) => ended({ outcome, job, ms: outcome.ms });
    try {
      const ordinary = this.#hasLane ? this.#besideLane(jobs, fromLane) : jobs;
      await inParallel(ordinary, options, (job) => this.#one(job, ended));
    } catch (error) {
      if (error !== FAILED_EARLY) throw error;
    } finally {
      // A thread may be in the middle of writing files, which are to be whole or not there.
      await this.#laneEnd;
    }
    await this.#order.settled();
    return exit;
  }

  /** Whether small files may go by the lane for many, which tells nothing on the way and keeps no rate. */
  get #hasLane(): boolean {
    const {
      sending,
      transfer,
      sinks,
      parallel,
      showHeaders,
      limitRate,
      verbose,
      segments,
      mirrors,
      writeOut,
    } = this.settings;
    const isPlainGet = sending.method === "GET" && sending.body.kind === "none" &&
      transfer.range === undefined && transfer.sha256 === undefined && transfer.ifNewer === undefined &&
      !transfer.resume;
    return isPlainGet && parallel > 1 && segments === 1 && mirrors.length === 0 && !verbose && !showHeaders &&
      limitRate === undefined && !writeOut?.wantsFacts && !writeOut?.wantsSha256 &&
      transfer.timeout === undefined && sinks.overwrite !== false;
  }

  /** The first of `jobs`, and of the others, where there are more, those that are nothing for the lane. */
  async *#besideLane(jobs: Jobs, ended: (outcome: Outcome, job: Job) => void): AsyncGenerator<Job> {
    const iterator = Symbol.asyncIterator in jobs ? jobs[Symbol.asyncIterator]() : jobs[Symbol.iterator]();
    const { settings } = this;
    const ahead = new Ahead(iterator);
    let lane: Promise<typeof import("./lane/open_lane.ts")> | undefined;
    // Of those that are all known by now, none has to be done in the ordinary way.
    for (let count = 0; count < FEW && !await ahead.has(FEW + 1 - count); count++) {
      const step = await ahead.next();
      if (step.done) return;
      // It is on its way while the first ones are.
      if (count === SOME) lane = import("./lane/open_lane.ts");
      yield step.value;
    }
    const { openLane } = await (lane ?? import("./lane/open_lane.ts"));
    // From here on the lane hears of it by itself.
    this.#stop.throwIfAborted();
    const client = (url: URL, user: string | undefined) => this.#clients.for(url, user);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#laneEnd = promise;
    try {
      yield* openLane({ settings, signal: this.#stop, paths: this.#paths, client, ended }).take(ahead);
    } finally {
      resolve();
    }
  }

  /** What other requests go out with that a call needs, to `url` as `user`. */
  toolsFor(url: URL, user: string | undefined): RequestTools {
    const { sending, transfer } = this.settings;
    const { messages, pace, stop } = this.#parts;
    return {
      client: this.#clients.for(url, user),
      headers: sending.headers,
      retries: transfer.retries,
      timeout: transfer.timeout,
      stop,
      pace: pace(),
      trace: messages.traceFor(url),
      onRetry: messages.notice,
    };
  }

  #sharedPace(): Pace | undefined {
    const { limitRate } = this.settings;
    return limitRate === undefined ? undefined : this.#pace ??= new Pace(limitRate);
  }

  /** Does `job` and has it told by `ended`. */
  async #one(job: Job, ended: (done: Done) => void): Promise<void> {
    const method = job.method ?? this.settings.sending.method;
    const outcome: Outcome = {
      url: hideUserinfo(job.target),
      method,
      status: 0,
      bytes: 0,
      ms: 0,
      retries: 0,
    };
    const start = performance.now();
    const done: Done = { job, outcome, ms: 0, facts: this.settings.writeOut?.facts() };
    try {
      try {
        if (job.fault) throw job.fault;
        await this.#do(done);
      } catch (error) {
        if (this.#stop.aborted) throw this.#stop.reason;
        if (!(error instanceof FerryError)) throw error;
        outcome.error = { code: error.code, message: error.message, exit: exitStatus(error) };
        if (error instanceof StatusError) outcome.status = error.status;
      }
      done.ms = performance.now() - start;
      outcome.ms = Math.round(done.ms);
      ended(done);
    } catch (error) {
      this.#halt.abort(error);
      throw error;
    } finally {
      await done.place?.end();
    }
  }

  async #do(done: Done): Promise<void> {
    const { settings } = this;
    const { job, outcome } = done;
    const sending = sendingOf(settings.sending, job);
    const parsed = parseTarget(job.target);
    const url = uploadUrl(parsed.url, sending);
    outcome.url = url.href;
    const head = sending.method === "HEAD";
    const path = head ? null : settings.outputs(url, job);
    // Alone, a body needs no order.
    if (path === null && settings.parallel > 1) done.place = this.#order.place();
    let drop = true;
    try {
      await transferOne({ job, url, user: parsed.user, sending, path }, done, this.#parts);
      drop = false;
    } finally {
      await done.place?.settle({ drop });
    }
  }

  [Symbol.dispose](): void {
    this.#clients[Symbol.dispose]();
  }
}

/** What is sent for `job`, where all others are sent `common`. */
function sendingOf(common: Sending, { method, headers, body }: Job): Sending {
  if (method === undefined && headers === undefined && body === undefined) return common;
  const all = new Headers(common.headers);
  for (const [name, value] of headers ?? []) all.set(name, value);
  return { ...common, method: method ?? common.method, headers: all, body: body ?? common.body };
}
