/**
 * The calls about jobs, syncs that this server runs by itself: it pulls from a server that it was told to trust, on
 * behalf of a client that looks on. Who looks away ends the job.
 */
import { FerryError } from "../../core/errors.ts";
import { MAX_MESSAGE_BYTES } from "../../wire/limits.ts";
import { type JobRequest, parseJobRequest, parseRenewal } from "../../wire/jobs.ts";
import { parseObject } from "../../wire/fields.ts";
import type { Operation } from "../../wire/operation.ts";
import type { Outcome } from "../../wire/outcome.ts";
import { isPeer, type Peer } from "../peers.ts";
import { type Call, folderOf, readBody, require, serverPath, sessionOwner, writing } from "./call.ts";
import type { PushSessions } from "./sessions.ts";

/** Jobs at a time; one more is asked to come back later. */
const MAX_JOBS = 8;

/** How often the report says that the job goes on; proxies give up after a minute. */
const HEARTBEAT_MS = 10_000;

/** Lines are gathered for so long, since one a chunk would cost more than the work. */
const GATHER_MS = 100;

/** A run to be made: into `folder`, a real path that may not be there yet, which nobody else writes to meanwhile. */
export interface Job {
  request: JobRequest;
  folder: string;
  /** The root of the share around it. */
  share: string;
  /** What messages call the folder. */
  label: string;
  /** Told, in one line, what is for the server's log. */
  warn: (line: string) => void;
  /** What the source takes now for the right to read it; it changes while the job runs. */
  token: () => string;
  /** What of the operations of a commit may not be done, an outcome each; absent where all may. */
  refusals?: (operations: readonly Operation[]) => Outcome[];
  signal: AbortSignal;
}

/** Makes the run and tells each event of its report; throws what stopped it. */
export type RunJob = (job: Job, tell: (event: object) => void) => Promise<void>;

export interface JobsConfig {
  peers: readonly Peer[];
  run: RunJob;
  warn: (line: string) => void;
}

/** Answers to the calls about jobs. Each throws FerryErrors for refusals. */
export interface SyncJobs {
  /** Whether the caller may start a job here that reads the folder `source`. */
  offers(call: Call, source: string): boolean;
  start(call: Call): Promise<Response>;
  renew(call: Call, id: string): Promise<Response>;
}

interface Running {
  owner: string;
  token: string;
}

/** The calls about jobs; a job holds its folder as a push does, in `sessions`. */
export function createSyncJobs(config: JobsConfig, sessions: PushSessions): SyncJobs {
  const running = new Map<string, Running>();

  function offers({ access, base }: Call, source: string): boolean {
    return URL.canParse(source) && isPeer(config.peers, new URL(source)) && access.can("s", base);
  }

  async function start(call: Call): Promise<Response> {
    const request = parseJobRequest(parseObject(await readBody(call, MAX_MESSAGE_BYTES)));
    for (const perm of ["s", "r", "w"] as const) requireDeep(call, perm);
    if (request.options.delete) requireDeep(call, "d");
    if (!offers(call, request.source)) {
      throw new FerryError(
        "forbidden",
        "this server fetches only from the servers that its --peer names, and the source is on none of them",
      );
    }
    if (running.size >= MAX_JOBS) {
      throw new FerryError("too_many", `${MAX_JOBS} jobs are under way; try again later`);
    }
    const folder = folderOf(call);
    const { locks } = call;
    locks?.demandRoomFor(folder);
    const id = crypto.randomUUID();
    const owner = sessionOwner(call);
    const job: Running = { owner, token: request.token };
    running.set(id, job);
    const stop = new AbortController();
    const hangUp = () => stop.abort(new FerryError("partial_transfer", "the server is being stopped"));
    try {
      await writing(() =>
        sessions.begin(id, { owner, folder, holder: request.holder, options: request.options }, hangUp)
      );
    } catch (error) {
      running.delete(id);
      throw error;
    }
    const report = openReport({
      gone: () => stop.abort(new FerryError("partial_transfer", "the client has gone")),
      beat: () => sessions.touch(id, owner),
    });
    report.tell({ job: id });
    const label = `/${serverPath(call, call.base)}`;
    const refusals = locks && ((operations: readonly Operation[]) => locks.refusals(folder, operations));
    const place = { folder, share: call.root, label, refusals };
    const run = () =>
      config.run(
        { request, ...place, warn: config.warn, token: () => job.token, signal: stop.signal },
        report.tell,
      );
    writing(run).catch((error) => report.tell(errorEvent(error))).finally(async () => {
      running.delete(id);
      await sessions.end(id, owner);
      report.close();
    });
    const headers = { "content-type": "application/x-ndjson", "x-accel-buffering": "no" };
    return new Response(report.body, { headers });
  }

  async function renew(call: Call, id: string): Promise<Response> {
    const { token } = parseRenewal(parseObject(await readBody(call, MAX_MESSAGE_BYTES)));
    const job = running.get(id);
    if (job === undefined || job.owner !== sessionOwner(call)) {
      throw new FerryError("not_found", "there is no such job");
    }
    job.token = token;
    return new Response(null, { status: 204 });
  }

  return { offers, start, renew };
}

/** A job writes, and deletes, wherever its source says. */
function requireDeep(call: Call, perm: "r" | "w" | "d" | "s"): void {
  require(call, perm, call.base);
  if (call.access.canDeep(perm, call.base)) return;
  throw new FerryError("forbidden", `${call.access.denial(perm).detail}, in a part of the folder`);
}

function errorEvent(error: unknown): object {
  const known = error instanceof FerryError
    ? error
    : new FerryError("internal", "the server failed; its log says how");
  return { event: "error", code: known.code, message: known.message };
}

/** A body of lines; `gone` is called when nobody reads it any more, `beat` now and then. */
function openReport({ gone, beat }: { gone: () => void; beat: () => void }) {
  const encoder = new TextEncoder();
  let controller: ReadableStreamDefaultController<Uint8Array>;
  let text = "";
  let open = true;
  const flush = () => {
    if (open && text !== "") controller.enqueue(encoder.encode(text));
    text = "";
  };
  const gather = setInterval(flush, GATHER_MS);
  const heart = setInterval(() => {
    text += "\n";
    beat();
  }, HEARTBEAT_MS);
  const end = () => {
    open = false;
    clearInterval(gather);
    clearInterval(heart);
  };
  const body = new ReadableStream<Uint8Array>({
    start: (given) => void (controller = given),
    cancel: () => {
      end();
      gone();
    },
  });
  return {
    body,
    tell: (event: object) => void (open && (text += JSON.stringify(event) + "\n")),
    close: () => {
      flush();
      if (open) controller.close();
      end();
    },
  };
}
