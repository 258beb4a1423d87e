/** One URL of a run: its body from the server to its place, or from here to the server, and what came of it. */
import type { Io } from "../cli/io.ts";
import { formatMs } from "../cli/units.ts";
import { FerryError, quote, writeError } from "../core/errors.ts";
import type { Job } from "./jobs/job.ts";
import type { TakenPaths } from "./jobs/taken_paths.ts";
import type { Done } from "./outcome_teller.ts";
import type { Pace } from "./pace.ts";
import { PartFile } from "./parts/part_file.ts";
import type { RequestClients } from "./request_clients.ts";
import type { Sending } from "./request_input.ts";
import { isFolder, openSink } from "./request_output.ts";
import type { RequestSettings } from "./request_settings.ts";
import type { RunMessages } from "./run_messages.ts";
import { Transfer } from "./transfer/transfer.ts";
import { headersOf, type TransferWays } from "./transfer_ways.ts";
import type { TransfersMeter } from "./transfers_meter.ts";

/** A request as it goes out. */
export interface Request {
  job: Job;
  url: URL;
  user: string | undefined;
  sending: Sending;
  /** Null for standard output. */
  path: string | null;
}

/** What all requests of a run have together. */
export interface RunParts {
  settings: RequestSettings;
  io: Io;
  clients: RequestClients;
  ways: TransferWays;
  messages: RunMessages;
  /** The files of all of them. */
  paths: TakenPaths;
  /** The rate that all of them have together. */
  pace(): Pace | undefined;
  progress?: TransfersMeter;
  stop: AbortSignal;
}

const encoder = new TextEncoder();

/** Does `request`, and puts what came of it into `outcome`. Throws a FerryError, or the reason of `run.stop`. */
export async function transferOne(
  { job, url, user, sending, path }: Request,
  { outcome, place, facts }: Done,
  run: RunParts,
): Promise<void> {
  const out = place ?? run.io;
  const { settings, messages, paths } = run;
  const trace = messages.traceFor(url);
  const start = performance.now();
  const head = sending.method === "HEAD";
  using claim = new Claim(paths);
  const sink = await openSink(path, out, { ...settings.sinks, onNamed: (path) => claim.take(path, path) });
  const named = path !== null && !isFolder(path) && settings.sinks.overwrite !== false;
  if (named) outcome.path = path;
  if (settings.transfer.resume && sending.method === "GET" && !(sink instanceof PartFile)) {
    throw new FerryError(
      "usage",
      "--continue needs a file: --output FILE, --remote-name or --output-dir DIR",
    );
  }
  const { transfer: common } = settings;
  const sha256 = job.sha256 ?? common.sha256;
  const wantsDigest = !head &&
    (sha256 !== undefined || (settings.json && path !== null) || settings.writeOut?.wantsSha256);
  const digest = wantsDigest ? new (await import("./digest.ts")).Digest() : undefined;
  const { method, body } = sending;
  const tools = {
    client: run.clients.for(url, user),
    sink,
    stop: run.stop,
    digest,
    pace: run.pace(),
    trace,
    facts,
    onRetry: messages.notice,
    onNotice: messages.notice,
    onHead: head || settings.showHeaders ? (text: string) => out.write(encoder.encode(text)) : undefined,
    onErrorBody: messages.errorBody,
  };
  const plan = { ...common, sha256, url, method, headers: await headersOf(sending), body };
  if (sink instanceof PartFile && sink.replaces && sink.isNamed) claim.take(sink.path, path!);
  const transfer = await run.ways.of({ ...plan, anyWay: sending.anyWay }, tools);
  using _line = run.progress?.begin(() => sink.path || url.href, transfer);
  try {
    await transfer.run();
    if (sink instanceof PartFile) {
      if (!job.sole) paths.keep(sink.path);
      const told = "lastModified" in transfer ? transfer.lastModified : undefined;
      const mtime = job.mtime === "server" ? told : job.mtime;
      if (mtime !== undefined && transfer.status !== 304) setTime(sink.path, mtime);
      const etag = transfer instanceof Transfer ? transfer.etag : null;
      if (transfer.status !== 304) job.onStored?.({ lastModified: told, etag });
    }
    if (transfer instanceof Transfer && !transfer.unchanged && isGood(transfer.status)) {
      settings.saveEtag?.(transfer.etag);
    }
    // Of a body that did not come there is none.
    const isFetched = "lastModified" in transfer && !("unchanged" in transfer && transfer.unchanged);
    if (digest && isFetched) outcome.sha256 = digest.hex();
  } finally {
    if (!named && sink.path !== undefined && !isFolder(sink.path)) outcome.path = sink.path;
    outcome.status = transfer.status ?? 0;
    outcome.bytes = transfer.bytes;
    outcome.retries = transfer.retries;
    const moved = `${transfer.bytes} bytes ${body.kind === "none" ? "received" : "sent"}`;
    trace?.(`* ${moved} in ${formatMs(performance.now() - start)}`);
    if (transfer.resumed) outcome.resumed = true;
    if ("repaired" in transfer && transfer.repaired !== undefined) outcome.repaired = transfer.repaired;
  }
}

/** The file that one URL has for itself, until that is done. */
class Claim implements Disposable {
  #path: string | null = null;

  constructor(readonly paths: TakenPaths) {}

  /** Takes the file `path`; `shown` is as the user wrote it. Throws `write_failed` when another URL has it. */
  take(path: string, shown: string): void {
    if (!this.paths.take(path)) {
      throw new FerryError(
        "write_failed",
        `cannot write ${quote(shown)}: an earlier URL of this call went there; give each its own --output`,
      );
    }
    this.#path = path;
  }

  [Symbol.dispose](): void {
    if (this.#path !== null) this.paths.free(this.#path);
  }
}

/** Whether the answer was the resource. */
function isGood(status: number | undefined): boolean {
  return status !== undefined && status >= 200 && status < 300;
}

function setTime(path: string, mtime: number): void {
  try {
    Deno.utimeSync(path, new Date(mtime), new Date(mtime));
  } catch (error) {
    throw writeError(error, path);
  }
}
