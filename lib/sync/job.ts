/** The two ends of a job: the server that runs the sync, and the client that renders what it says. */
import { assertNever, FerryError } from "../core/errors.ts";
import type { Safety } from "../store/write/care.ts";
import { thisProcess } from "../store/holder.ts";
import { LocalStore } from "../store/local.ts";
import { RemoteStore } from "../store/remote/remote_store.ts";
import { runJob } from "../store/remote/job.ts";
import { type JobOptions, type JobRequest, parseJobError } from "../wire/jobs.ts";
import type { Operation } from "../wire/operation.ts";
import type { Outcome } from "../wire/outcome.ts";
import { eventReporter, parseEvent, type RunEvent } from "./events.ts";
import { parseDeleteLimit } from "./guard.ts";
import { makeLimits } from "./limits.ts";
import { patternProblem } from "./pattern.ts";
import type { Report } from "./report.ts";
import { runSync } from "./run.ts";
import { DONE_AS, newSummary, type Summary } from "./summary.ts";

/** What a server runs, see server/sync/jobs.ts. */
export interface ServerJob {
  request: JobRequest;
  folder: string;
  /** The share around it, whose trash is used. */
  share: string;
  label: string;
  warn: (line: string) => void;
  token: () => string;
  /** What of the operations of a commit may not be done, an outcome each; absent where all may. */
  refusals?: (operations: readonly Operation[]) => Outcome[];
  signal: AbortSignal;
}

/** Runs a sync on behalf of a client, into a folder that nobody else writes to. Tells the events of its report. */
export async function runServerJob(job: ServerJob, tell: (event: RunEvent) => void): Promise<void> {
  const { request, signal } = job;
  const { source: url, options } = request;
  const { dryRun, checksum, force, patterns, links, fsync, trash } = options;
  const maxDelete = parseDeleteLimit(options.maxDelete);
  if (maxDelete === null) throw new FerryError("usage", "--max-delete must be a count or a percentage");
  for (const pattern of patterns) {
    const trouble = patternProblem(pattern);
    if (trouble !== null) throw new FerryError("usage", `a pattern cannot be used: ${trouble}`);
  }
  const { parallel, paces } = makeLimits({ ...options, local: false });
  const source = new RemoteStore(new URL(url), {
    token: job.token,
    signal,
    paces,
    links: links === "copy" ? "copy" : "keep",
  });
  const safety: Safety = { fsync, trash: trash ? { kind: "share", root: job.share } : { kind: "none" } };
  const { label, warn, refusals } = job;
  const destination = new LocalStore(job.folder, { label, held: true, safety, warn, refusals });
  const reporter = eventReporter(tell, { dryRun });
  try {
    const run = { dryRun, delete: options.delete, checksum, force, maxDelete, patterns, parallel, signal };
    const skipLinks = links === "skip";
    reporter.done(await runSync({ source, destination }, reporter, { ...run, skipLinks }));
  } finally {
    source.close();
    destination.close();
  }
}

/** The two servers of a job, as the client speaks to them, and the flags of the run. */
export interface Delegation {
  source: RemoteStore;
  destination: RemoteStore;
  options: JobOptions;
  signal?: AbortSignal;
}

/**
 * Lets the destination's server do the run. Its report is told as this machine's own would be; what stopped it is thrown
 * as it would have been here. Bytes are those between the servers and those of this machine's calls together.
 */
export async function delegate(job: Delegation, report: Report): Promise<Summary> {
  const start = performance.now();
  const { source, destination, options, signal } = job;
  const holder = thisProcess(source.label);
  const request = { source: source.label, options, holder };
  const told = new Told();
  const finish = (): Summary => {
    const { summary } = told;
    const { sent, received } = total(source.traffic, destination.traffic);
    return {
      ...summary,
      bytes_sent: summary.bytes_sent + sent,
      bytes_received: summary.bytes_received + received,
      ms: Math.round(performance.now() - start),
    };
  };
  try {
    for await (
      const fields of runJob({ source: source.calls, destination: destination.calls, request, signal })
    ) {
      if (fields.event === "error") throw destination.calls.parse(JSON.stringify(fields), parseJobError);
      const event = destination.calls.parse(JSON.stringify(fields), parseEvent);
      if (event === null) continue;
      told.tell(event);
      if (event.event !== "done") report.tell(event);
    }
    if (told.done) return finish();
    throw new FerryError("partial_transfer", `${destination.label} broke off before its run was over`);
  } catch (error) {
    report.stopped(finish(), error);
    throw error;
  }
}

/** What a server has said of its run: the sum that it gave itself, or until then that of its events. */
class Told {
  done = false;
  summary = newSummary();

  tell(event: RunEvent): void {
    switch (event.event) {
      case "plan":
        return;
      case "change":
        this.summary[DONE_AS[event.op]]++;
        this.summary.bytes_content += event.bytes;
        return;
      case "problem":
        this.summary.problems++;
        return;
      case "done": {
        const { event: _, ok: __, dry_run: ___, exit: ____, started: _____, ...summary } = event;
        this.summary = summary;
        this.done = true;
        return;
      }
      default:
        assertNever(event);
    }
  }
}

interface Traffic {
  sent: number;
  received: number;
}

function total(a: Traffic, b: Traffic): Traffic {
  return { sent: a.sent + b.sent, received: a.received + b.received };
}
