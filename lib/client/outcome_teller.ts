/** How a URL ended, told: a message for people, the text of `--write-out`, a line of JSON. */
import type { Io } from "../cli/io.ts";
import { quote } from "../core/errors.ts";
import { jsonText, terminalText } from "./answer_text.ts";
import { hideUserinfo } from "./credentials/credentials.ts";
import type { Job } from "./jobs/job.ts";
import type { OrderedOut, OutPlace } from "./jobs/ordered_out.ts";
import type { Outcome } from "./jobs/outcome.ts";
import type { RequestSettings } from "./request_settings.ts";
import { parseTarget } from "./target.ts";
import type { TransfersMeter } from "./transfers_meter.ts";
import type { Facts } from "./write_out/facts.ts";

/** A URL that is done with. */
export interface Done {
  job: Job;
  outcome: Outcome;
  /** Milliseconds, exact. */
  ms: number;
  facts?: Facts;
  /** Its place on standard output, where it has one. */
  place?: OutPlace;
}

export type TellerSettings = Pick<
  RequestSettings,
  "several" | "json" | "writeOut" | "sending" | "outputs" | "intoFiles"
>;

const encoder = new TextEncoder();

export class OutcomeTeller {
  constructor(
    readonly settings: TellerSettings,
    readonly to: { io: Io; order: OrderedOut; progress?: TransfersMeter },
  ) {}

  /** Tells of one URL, on standard output behind its body; gives its exit status. */
  tell(done: Done): number {
    const { io, progress } = this.to;
    const { outcome, job } = done;
    const { error } = outcome;
    if (error !== undefined) {
      const named = !this.settings.several || error.message.includes(outcome.url);
      io.err(`ferry: ${named ? "" : quote(outcome.url) + ": "}${terminalText(error.message)}\n`);
    }
    progress?.ended(outcome.bytes, error !== undefined);
    job.onEnd?.(outcome);
    this.#writeOut(done);
    if (this.settings.json) {
      const line = jsonText(outcome) + "\n";
      const isForFile = outcome.path !== undefined || (error !== undefined && this.#isForFile(job));
      if (isForFile) this.#out(line, done);
      else io.err(line);
    }
    return error?.exit ?? 0;
  }

  #writeOut(done: Done): void {
    const { writeOut } = this.settings;
    if (writeOut === undefined) return;
    for (const { stream, text } of writeOut.texts({ ...done, target: hideUserinfo(done.job.target) })) {
      if (stream === "stdout") this.#out(text, done);
      else this.to.io.err(text);
    }
  }

  /** Whether the body of `job`, which did not come so far, would have gone into a file. */
  #isForFile(job: Job): boolean {
    const { sending, outputs, intoFiles } = this.settings;
    if ((job.method ?? sending.method) === "HEAD") return false;
    try {
      return outputs(parseTarget(job.target).url, job) !== null;
    } catch {
      return intoFiles;
    }
  }

  #out(text: string, { place }: Done): void {
    const bytes = encoder.encode(text);
    if (place === undefined) this.to.order.say(bytes);
    else place.write(bytes);
  }
}
