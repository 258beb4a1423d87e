/** `ferry request` over its URLs: some at a time, each with its outcome. */
import type { Io } from "../cli/io.ts";
import { formatMs } from "../cli/units.ts";
import { exitStatus, FerryError, quote, writeError } from "../core/errors.ts";
import { formatSha256 } from "../http/digest.ts";
import { terminalText } from "./answer_text.ts";
import type { Dialer } from "./dial/dialer.ts";
import { Http1Client } from "./http1/client.ts";
import type { IdentityOptions } from "./identity.ts";
import type { Job, Jobs } from "./jobs/job.ts";
import { inParallel } from "./jobs/in_parallel.ts";
import { OrderedOut, type OutPlace } from "./jobs/ordered_out.ts";
import { type Outcome, worse } from "./jobs/outcome.ts";
import { TakenPaths } from "./jobs/taken_paths.ts";
import type { FileWriter } from "./lane/file_batch.ts";
import { Pace } from "./pace.ts";
import { PartFile } from "./part_file.ts";
import { isFolder, openSink, type OutputPlan, type SinkOptions } from "./request_output.ts";
import { RequestClient } from "./request_client.ts";
import { readWhole, type Sending, uploadUrl } from "./request_input.ts";
import { hideUserinfo } from "./credentials.ts";
import { parseTarget } from "./target.ts";
import type { SegmentedTransfer } from "./segments/segmented_transfer.ts";
import type { ResumableUpload } from "./resumable_upload.ts";
import { Transfer, type TransferPlan, type TransferTools } from "./transfer.ts";
import type { TransfersMeter } from "./transfers_meter.ts";

/** Smaller files are sent again as fast as a server is asked how much it has. */
const RESUMABLE_BYTES = 8 * 1024 * 1024;

/** To one server. */
const MOST_CONNECTIONS = 256;

/** What holds for all URLs of one call. */
export interface RequestSettings {
  sending: Sending;
  outputs: OutputPlan;
  sinks: SinkOptions;
  identity: IdentityOptions;
  dialer: Pick<Dialer, "dial">;
  transfer: Pick<
    TransferPlan,
    "range" | "ifNewer" | "resume" | "sha256" | "maxRedirects" | "retries" | "timeout" | "fail"
  >;
  /** Connections for one file. */
  segments: number;
  /** Other URLs of the only one. */
  mirrors: readonly string[];
  showHeaders: boolean;
  limitRate?: number;
  /** The folder in which it is noted which uploads are under way; undefined for nowhere. */
  uploadsFolder: () => Promise<string | undefined>;
  /** So many URLs at a time. */
  parallel: number;
  /** Whether messages have to say which URL they are about. */
  several: boolean;
  /** Makes what writes many small files. */
  fileWriter: () => Promise<FileWriter>;
  /** Whether the first failure ends all of it. */
  failEarly?: boolean;
  json: boolean;
  quiet: boolean;
  verbose: boolean;
}

/** What requests go out with that are no jobs themselves. */
export interface RequestTools {
  client: RequestClient;
  /** Of each request. */
  headers: Headers;
  retries: number;
  /** Milliseconds for each of them. */
  timeout?: number;
  stop: AbortSignal;
  pace?: Pace;
  trace?: (line: string) => void;
  onRetry?: (why: string) => void;
}

/** One of them, as it goes out. */
interface Request {
  job: Job;
  url: URL;
  user: string | undefined;
  sending: Sending;
  /** Null for standard output. */
  path: string | null;
  out: OutPlace | Io;
}

/** Why those end that were under way when another one failed. */
const FAILED_EARLY = new Error("another URL has failed");

/** For so many URLs nothing more is made ready than each of them needs. */
const FEW = 16;

const encoder = new TextEncoder();

/** The requests of one call. */
export class RequestRun implements Disposable {
  readonly #wire: Http1Client;
  readonly #clients = new Map<string, RequestClient>();
  readonly #paths = new TakenPaths();
  /** Those that take uploads by `PUT` alone. */
  #plainOrigins = new Set<string>();
  /** The rate that all of them have together. */
  #pace: Pace | undefined;
  readonly #order: OrderedOut;
  /** Ends what is under way when one of them has ended it all. */
  readonly #halt = new AbortController();
  readonly #stop: AbortSignal;
  /** How many URLs were begun. */
  #begun = 0;

  /** `io` gives way to `progress`, where there is one to tell of the transfers. */
  constructor(readonly settings: RequestSettings, readonly io: Io, readonly progress?: TransfersMeter) {
    const { dialer, segments, parallel } = settings;
    const connections = Math.min(Math.max(16, segments * parallel), MOST_CONNECTIONS);
    this.#wire = new Http1Client(dialer, { connections });
    this.#stop = AbortSignal.any([io.stop, this.#halt.signal]);
    this.#order = new OrderedOut(io);
  }

  /**
   * Does `jobs`, some at a time; one that fails is told, and the others go on. Gives the exit status of the worst. Throws
   * only when the program is to stop.
   */
  async all(jobs: Jobs): Promise<number> {
    let exit = 0;
    const ended = (outcome: Outcome, job: Job) => {
      exit = worse(exit, this.#tell(outcome, job));
      if (exit !== 0 && this.settings.failEarly) this.#halt.abort(FAILED_EARLY);
    };
    const options = { width: this.settings.parallel, signal: this.#stop };
    try {
      const ordinary = this.#hasLane ? this.#besideLane(jobs, ended) : jobs;
      await inParallel(ordinary, options, async (job) => ended(await this.#one(job), job));
    } catch (error) {
      if (error !== FAILED_EARLY) throw error;
    }
    return exit;
  }

  /** Whether small files may go by the lane for many, which tells nothing on the way and keeps no rate. */
  get #hasLane(): boolean {
    const { sending, transfer, sinks, parallel, showHeaders, limitRate, verbose, segments, mirrors } =
      this.settings;
    const isPlainGet = sending.method === "GET" && sending.body.kind === "none" &&
      transfer.range === undefined && transfer.sha256 === undefined && !transfer.resume;
    return isPlainGet && parallel > 1 && segments === 1 && mirrors.length === 0 && !verbose && !showHeaders &&
      limitRate === undefined &&
      transfer.timeout === undefined && sinks.overwrite !== false;
  }

  /** The first of `jobs`, and of the others, where there are more, those that are nothing for the lane. */
  async *#besideLane(jobs: Jobs, ended: (outcome: Outcome, job: Job) => void): AsyncGenerator<Job> {
    const iterator = Symbol.asyncIterator in jobs ? jobs[Symbol.asyncIterator]() : jobs[Symbol.iterator]();
    for (let count = 0; count < FEW; count++) {
      const step = await iterator.next();
      if (step.done) return;
      yield step.value;
    }
    const { settings } = this;
    const { FastLane } = await import("./lane/fast_lane.ts");
    const { laneHost } = await import("./lane/lane_host.ts");
    const client = (url: URL, user: string | undefined) => this.#clientFor(url, user);
    const host = laneHost({ settings, signal: this.#stop, paths: this.#paths, client, ended });
    yield* new FastLane({ ...host, writer: await settings.fileWriter() }).take(iterator);
  }

  /** What other requests go out with that a call needs, to `url` as `user`. */
  toolsFor(url: URL, user: string | undefined): RequestTools {
    const { sending, transfer, quiet } = this.settings;
    return {
      client: this.#clientFor(url, user),
      headers: sending.headers,
      retries: transfer.retries,
      timeout: transfer.timeout,
      stop: this.#stop,
      pace: this.#sharedPace(),
      trace: this.#traceFor(url),
      onRetry: quiet ? undefined : (why: string) => this.io.err(`ferry: ${terminalText(why)}\n`),
    };
  }

  #sharedPace(): Pace | undefined {
    const { limitRate } = this.settings;
    return limitRate === undefined ? undefined : this.#pace ??= new Pace(limitRate);
  }

  /** Says how a URL ended, and gives its exit status. */
  #tell(outcome: Outcome, job: Job): number {
    const { error } = outcome;
    if (error !== undefined) {
      const named = !this.settings.several || error.message.includes(outcome.url);
      this.io.err(`ferry: ${named ? "" : quote(outcome.url) + ": "}${terminalText(error.message)}\n`);
    }
    this.progress?.ended(outcome.bytes, error !== undefined);
    job.onEnd?.(outcome);
    if (this.settings.json) {
      const line = JSON.stringify(outcome) + "\n";
      if (outcome.path !== undefined) this.io.out(line);
      else this.io.err(line);
    }
    return error?.exit ?? 0;
  }

  async #one(job: Job): Promise<Outcome> {
    const method = job.method ?? this.settings.sending.method;
    const outcome: Outcome = { url: hideUserinfo(job.target), method, bytes: 0, ms: 0, retries: 0 };
    const start = performance.now();
    try {
      if (job.fault) throw job.fault;
      await this.#do(job, outcome);
    } catch (error) {
      if (this.#stop.aborted) throw this.#stop.reason;
      if (!(error instanceof FerryError)) {
        this.#halt.abort(error);
        throw error;
      }
      outcome.error = { code: error.code, message: error.message, exit: exitStatus(error) };
    }
    outcome.ms = Math.round(performance.now() - start);
    return outcome;
  }

  async #do(job: Job, outcome: Outcome): Promise<void> {
    const { settings, io } = this;
    const sending = sendingOf(settings.sending, job);
    const parsed = parseTarget(job.target);
    const url = uploadUrl(parsed.url, sending);
    outcome.url = url.href;
    const head = sending.method === "HEAD";
    const path = head ? null : settings.outputs(url, job);
    // Alone, a body needs no order.
    const place = path === null && settings.parallel > 1 ? this.#order.place() : undefined;
    let drop = true;
    try {
      await this.#transfer({ job, url, user: parsed.user, sending, path, out: place ?? io }, outcome);
      drop = false;
    } finally {
      await place?.end({ drop });
    }
  }

  async #transfer({ job, url, user, sending, path, out }: Request, outcome: Outcome): Promise<void> {
    const { settings, io } = this;
    const trace = this.#traceFor(url);
    const start = performance.now();
    const head = sending.method === "HEAD";
    const sink = await openSink(path, out, settings.sinks);
    const named = path !== null && !isFolder(path) && settings.sinks.overwrite !== false;
    if (named) outcome.path = path;
    if (settings.transfer.resume && sending.method === "GET" && !(sink instanceof PartFile)) {
      throw new FerryError(
        "usage",
        "--continue needs a file: --output FILE, --remote-name or --output-dir DIR",
      );
    }
    const { transfer: common, quiet } = settings;
    const sha256 = job.sha256 ?? common.sha256;
    const wantsDigest = !head && (sha256 !== undefined || (settings.json && path !== null));
    const digest = wantsDigest ? new (await import("./digest.ts")).Digest() : undefined;
    const { method, body } = sending;
    const tools = {
      client: this.#clientFor(url, user),
      sink,
      stop: this.#stop,
      digest,
      pace: this.#sharedPace(),
      trace,
      onRetry: quiet ? undefined : (why: string) => io.err(`ferry: ${terminalText(why)}\n`),
      onNotice: quiet ? undefined : (text: string) => io.err(`ferry: ${terminalText(text)}\n`),
      onHead: head || settings.showHeaders ? (text: string) => out.write(encoder.encode(text)) : undefined,
      onErrorBody: quiet ? undefined : (bytes: Uint8Array) => this.#showErrorBody(bytes),
    };
    const plan = { ...common, sha256, url, method, headers: await this.#headers(sending), body };
    using _claim = sink instanceof PartFile && sink.replaces ? this.#claim(sink.path, path!) : null;
    const transfer = await this.#upload({ ...plan, anyWay: sending.anyWay }, tools) ??
      await this.#segmented(plan, tools) ??
      new Transfer(plan, tools);
    using _line = this.progress?.begin(() => sink.path || url.href, transfer);
    try {
      await transfer.run();
      if (sink instanceof PartFile) {
        this.#paths.keep(sink.path);
        const told = "lastModified" in transfer ? transfer.lastModified : undefined;
        const mtime = job.mtime === "server" ? told : job.mtime;
        if (mtime !== undefined && transfer.status !== 304) setTime(sink.path, mtime);
        const etag = transfer instanceof Transfer ? transfer.etag : null;
        if (transfer.status !== 304) job.onStored?.({ lastModified: told, etag });
      }
      if (digest) outcome.sha256 = digest.hex();
    } finally {
      if (!named && sink.path !== undefined && !isFolder(sink.path)) outcome.path = sink.path;
      outcome.status = transfer.status;
      outcome.bytes = transfer.bytes;
      outcome.retries = transfer.retries;
      const moved = `${transfer.bytes} bytes ${body.kind === "none" ? "received" : "sent"}`;
      trace?.(`* ${moved} in ${formatMs(performance.now() - start)}`);
      if (transfer.resumed) outcome.resumed = true;
      if (transfer instanceof Transfer && transfer.repaired !== undefined) {
        outcome.repaired = transfer.repaired;
      }
    }
  }

  /** What `--verbose` tells of one URL; of several at a time each line says by a number which one it is about. */
  #traceFor(url: URL): TransferTools["trace"] {
    const { verbose, parallel, several } = this.settings;
    if (!verbose) return undefined;
    const mark = several && parallel > 1 ? `[${++this.#begun}] ` : "";
    if (mark !== "") this.io.err(`${mark}* ${quote(url.href)}\n`);
    return (line) => this.io.err(`${mark}${line}\n`);
  }

  /** Takes the file `path` for one URL, until that is done; `shown` is as the user wrote it. */
  #claim(path: string, shown: string): Disposable {
    if (this.#paths.take(path)) return { [Symbol.dispose]: () => this.#paths.free(path) };
    throw new FerryError(
      "write_failed",
      `cannot write ${quote(shown)}: an earlier URL of this call went there; give each its own --output`,
    );
  }

  /** Those of the request; an upload that fits into memory says what it has to be (RFC 9530). */
  async #headers({ headers, body, anyWay }: Sending): Promise<Headers> {
    const known = ["content-digest", "repr-digest", "content-encoding"].some((name) => headers.has(name));
    if (!anyWay || known || body.kind !== "file" || body.size >= RESUMABLE_BYTES) return headers;
    const digest = await crypto.subtle.digest("SHA-256", readWhole(body.path));
    const told = new Headers(headers);
    told.set("content-digest", formatSha256(btoa(String.fromCharCode(...new Uint8Array(digest)))));
    return told;
  }

  /** The upload of a large file that can be gone on with; null where there is none, or the server has no such thing. */
  async #upload(
    plan: TransferPlan & Pick<Sending, "anyWay">,
    tools: TransferTools,
  ): Promise<ResumableUpload | null> {
    const { url, body, fail, sha256, anyWay } = plan;
    if (!anyWay || body.kind !== "file" || body.size < RESUMABLE_BYTES) return null;
    // What is about the body of the answer needs one.
    if (!fail || sha256 !== undefined || tools.sink instanceof PartFile) return null;
    if (this.#plainOrigins.has(url.origin)) return null;
    const { ResumableUpload } = await import("./resumable_upload.ts");
    const { UploadRecords } = await import("./upload_records.ts");
    const folder = await this.settings.uploadsFolder();
    const records = folder === undefined ? undefined : new UploadRecords(folder);
    const upload = new ResumableUpload({ ...plan, body }, { ...tools, records });
    if (!upload.isNamed) return null;
    const possible = await upload.isPossible();
    if (possible === false) this.#plainOrigins.add(url.origin);
    return possible ? upload : null;
  }

  /** The download in segments, where it is to be one. */
  async #segmented(plan: TransferPlan, tools: TransferTools): Promise<SegmentedTransfer | null> {
    const { segments, mirrors } = this.settings;
    if ((segments === 1 && mirrors.length === 0) || plan.method !== "GET" || plan.headers.has("range")) {
      return null;
    }
    const { SegmentedTransfer } = await import("./segments/segmented_transfer.ts");
    const others = mirrors.map((target) => {
      const { url, user } = parseTarget(target);
      return { url, client: this.#clientFor(url, user, { foreign: url.origin !== plan.url.origin }) };
    });
    return new SegmentedTransfer({ ...plan, segments, mirrors: others }, tools);
  }

  /** One client an origin and user. */
  #clientFor(url: URL, user: string | undefined, { foreign = false } = {}): RequestClient {
    const key = `${url.origin} ${foreign} ${user ?? ""}`;
    let client = this.#clients.get(key);
    if (client === undefined) {
      const { identity } = this.settings;
      // What stands in the URL is meant for it alone, and wins over a token of the environment; what the flags say is not
      // for a mirror.
      client = new RequestClient(
        url,
        this.#wire,
        user === undefined && !foreign ? identity : { ...identity, user, token: undefined },
      );
      this.#clients.set(key, client);
    }
    return client;
  }

  #showErrorBody(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const text = new TextDecoder().decode(bytes);
    const end = text.endsWith("\n") ? "" : "\n";
    this.io.err((this.io.stderrIsTerminal ? terminalText(text) : text) + end);
  }

  [Symbol.dispose](): void {
    this.#wire[Symbol.dispose]();
  }
}

/** What is sent for `job`, where all others are sent `common`. */
function sendingOf(common: Sending, { method, headers, body }: Job): Sending {
  if (method === undefined && headers === undefined && body === undefined) return common;
  const all = new Headers(common.headers);
  for (const [name, value] of headers ?? []) all.set(name, value);
  return { ...common, method: method ?? common.method, headers: all, body: body ?? common.body };
}

function setTime(path: string, mtime: number): void {
  try {
    Deno.utimeSync(path, new Date(mtime), new Date(mtime));
  } catch (error) {
    throw writeError(error, path);
  }
}
