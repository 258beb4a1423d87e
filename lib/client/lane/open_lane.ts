/** A run as its lane for many small files sees it. */
import { exitStatus } from "../../core/errors.ts";
import type { Job } from "../jobs/job.ts";
import type { Outcome } from "../jobs/outcome.ts";
import type { TakenPaths } from "../jobs/taken_paths.ts";
import type { RequestClient } from "../request_client.ts";
import { isFolder } from "../request_output.ts";
import type { RequestSettings } from "../request_settings.ts";
import { parseTarget } from "../target.ts";
import { FastLane } from "./fast_lane.ts";

/** What the ordinary way asks a server for too. */
const WANT = "want-repr-digest";

/** Where no file is made on the way to one. */
const DEVICES = /^\/(?:dev(?!\/shm)|proc|sys)\//;

export interface LaneRun {
  settings: RequestSettings;
  signal: AbortSignal;
  paths: TakenPaths;
  client(url: URL, user: string | undefined): RequestClient;
  ended(outcome: Outcome, job: Job): void;
}

/** The lane of `run`. */
export function openLane(run: LaneRun): FastLane {
  const { settings, signal, paths, client } = run;
  const { sending, outputs, dialer, parallel, json, fileWriter } = settings;
  return new FastLane({
    fileWriter,
    dialer,
    parallel,
    signal,
    digests: json,
    client,
    wanted(job) {
      if (job.fault || job.body || job.sha256 !== undefined || (job.method ?? "GET") !== "GET") return null;
      try {
        const { url, user } = parseTarget(job.target);
        const path = outputs(url, job);
        if (path === null || isFolder(path) || DEVICES.test(path) || !paths.take(path)) return null;
        return { url, user, path };
      } catch {
        // The ordinary way says why.
        return null;
      }
    },
    headers(job) {
      const headers = new Headers(sending.headers);
      for (const [name, value] of job?.headers ?? []) headers.set(name, value);
      if (!headers.has(WANT)) headers.set(WANT, "sha-256=1");
      return headers;
    },
    ended({ url, path, job, said }, { error, sha256, ...end }) {
      const { status, bytes, ms } = end;
      const outcome: Outcome = { url: url.href, method: "GET", status, bytes, ms, path, retries: 0 };
      if (sha256 !== undefined) outcome.sha256 = sha256;
      if (error === undefined && said !== undefined) job.onStored?.(said);
      if (error === undefined && !job.sole) paths.keep(path);
      else paths.free(path);
      if (error !== undefined) {
        outcome.error = { code: error.code, message: error.message, exit: exitStatus(error) };
      }
      run.ended(outcome, job);
    },
    letGo: ({ path }) => paths.free(path),
  });
}
