/**
 * A job as its client sees it: the destination's server runs the sync by itself and says how it goes; this asks the
 * source's server for the tokens that it reads with (docs/protocol.md, "Jobs").
 */
import { MAX_ANSWER_BYTES } from "../../wire/limits.ts";
import type { Fields } from "../../wire/fields.ts";
import { JobReportReader, MAX_REPORT_LINE_BYTES } from "../../wire/job_report.ts";
import { type JobRequest, parseToken, type TokenAnswer } from "../../wire/jobs.ts";
import { LineSplitter } from "../../wire/tree.ts";
import { SILENCE_MS, silent } from "./session.ts";
import type { ServerCalls } from "./calls.ts";

/** Whenever a token is said to end: a timer that is set to more than 24 days goes off at once. */
const LONGEST_RENEWAL_MS = 60 * 60_000;

const HEADERS = { "content-type": "application/json" };

/** A token to read the folder of `source` with. */
async function fetchToken(source: ServerCalls): Promise<TokenAnswer> {
  const response = await source.send("token", { method: "POST" });
  return source.parse(await source.answer(response, MAX_ANSWER_BYTES), parseToken);
}

/** The ends of a job, what it has to do, and what stops it. */
export interface JobPlan {
  source: ServerCalls;
  destination: ServerCalls;
  request: Omit<JobRequest, "token">;
  signal?: AbortSignal;
}

/** Runs the job, and gives each line of its report as it comes. Throws when it could not begin or its report breaks off. */
export async function* runJob(plan: JobPlan): AsyncGenerator<Fields> {
  const { source, destination, request, signal: stop } = plan;
  const silence = new AbortController();
  const signal = stop === undefined ? silence.signal : AbortSignal.any([stop, silence.signal]);
  const token = await fetchToken(source);
  const body = new TextEncoder().encode(
    JSON.stringify({ ...request, token: token.token } satisfies JobRequest),
  );
  const response = await destination.send("jobs", { method: "POST", headers: HEADERS, body, signal });
  const renewal = new Renewal(source, destination);
  const reader = response.body?.getReader();
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    const lines = new LineSplitter(MAX_REPORT_LINE_BYTES);
    const report = new JobReportReader();
    for (;;) {
      timer = setTimeout(() => silence.abort(silent(destination.label)), SILENCE_MS);
      const { value } = await reader?.read() ?? {};
      clearTimeout(timer);
      if (value === undefined) return;
      destination.traffic.received += value.length;
      for (const line of lines.push(value)) {
        const said = report.line(line);
        if (said?.kind === "event") yield said.fields;
        else if (said?.kind === "job") renewal.start(said.id, token);
      }
    }
  } catch (error) {
    if (stop?.aborted) throw stop.reason;
    throw silence.signal.aborted ? silence.signal.reason : destination.bodyError(error);
  } finally {
    clearTimeout(timer);
    renewal.stop();
    // A job whose report nobody reads ends.
    await reader?.cancel().catch(() => {});
  }
}

/** Brings the job the next token before the last one ends. */
class Renewal {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #over = false;

  constructor(readonly source: ServerCalls, readonly destination: ServerCalls) {}

  start(id: string, { expires }: TokenAnswer): void {
    if (this.#over) return;
    const wait = Math.min(Math.max((expires - Date.now()) / 2, 1000), LONGEST_RENEWAL_MS);
    this.#timer = setTimeout(async () => {
      try {
        const next = await fetchToken(this.source);
        const body = JSON.stringify({ token: next.token });
        const call = `jobs/${id}`;
        await (await this.destination.send(call, { method: "PUT", headers: HEADERS, body })).body?.cancel();
        this.start(id, next);
      } catch {
        // The job itself will say so if the token that it has ends too soon.
        this.start(id, { token: "", expires });
      }
    }, wait);
  }

  stop(): void {
    this.#over = true;
    clearTimeout(this.#timer);
  }
}
