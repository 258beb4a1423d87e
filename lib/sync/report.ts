/** What a run says: itemized text, or one JSON event a line (the contract's). Pure formatting over a `write` function. */
import { quote } from "../core/errors.ts";
import type { Problem } from "../core/entry.ts";
import { formatBytes, formatMs } from "../cli/units.ts";
import { type Change, type Plan, sizeOf } from "./plan.ts";
import type { Reporter, Summary } from "./run.ts";

/** A reporter that also closes the report. */
export interface Report extends Reporter {
  /** The summary of a run that came to its end. */
  done(summary: Summary): void;
  /** Hands on what is still buffered. */
  flush(): void;
}

export interface ReportOptions {
  dryRun: boolean;
}

const MARKS = { create: "+", update: "~", delete: "-" } as const;
const COLORS = { create: "\x1b[32m", update: "\x1b[33m", delete: "\x1b[31m" } as const;
const RESET = "\x1b[0m";

/** Lines are gathered up to this many characters: a write for each of 70,000 lines would cost more than the run. */
const BUFFER_CHARS = 32 * 1024;

class LineBuffer {
  #text = "";

  constructor(readonly write: (text: string) => void) {}

  line(line: string): void {
    this.#text += line + "\n";
    if (this.#text.length > BUFFER_CHARS) this.flush();
  }

  flush(): void {
    const text = this.#text;
    this.#text = "";
    if (text !== "") this.write(text);
  }
}

/** The itemized text; `quiet` leaves only the problems, which then go to `writeProblem`. */
export function textReport(
  write: (text: string) => void,
  writeProblem: (text: string) => void,
  options: ReportOptions & { quiet: boolean; color: boolean },
): Report {
  const lines = new LineBuffer(write);
  return {
    plan() {},
    change(change) {
      if (options.quiet) return;
      const mark = options.color ? COLORS[change.op] + MARKS[change.op] + RESET : MARKS[change.op];
      lines.line(`${mark} ${quote(change.path)}`);
    },
    problem({ path, message }) {
      const line = `! ${quote(path)}: ${quote(message)}`;
      if (options.quiet) writeProblem(line + "\n");
      else lines.line(line);
    },
    done(summary) {
      if (!options.quiet) lines.line(summaryLine(summary, options.dryRun));
    },
    // The error itself is the last word.
    stopped() {},
    flush: () => lines.flush(),
  };
}

function summaryLine(summary: Summary, dryRun: boolean): string {
  const counts = [
    `${summary.created} created`,
    `${summary.updated} updated`,
    `${summary.deleted} deleted`,
    ...(summary.problems > 0 ? [`${summary.problems} problem${summary.problems === 1 ? "" : "s"}`] : []),
  ].join(", ");
  const head = dryRun ? "dry run, nothing was changed: " : "";
  const traffic = `${formatBytes(summary.bytes_received)} received, ${formatBytes(summary.bytes_sent)} sent`;
  return `${head}${counts}; ${formatBytes(summary.bytes_content)} of content, ${traffic}, ${
    formatMs(summary.ms)
  }`;
}

/** One JSON object a line. */
export function jsonReport(write: (text: string) => void, options: ReportOptions): Report {
  const lines = new LineBuffer(write);
  const event = (name: string, fields: object) => lines.line(JSON.stringify({ event: name, ...fields }));
  const done = (summary: Summary, ok: boolean) =>
    event("done", { ok, ...(options.dryRun ? { dry_run: true } : {}), ...summary });
  return {
    plan(plan: Plan) {
      const { create, update, delete: deletes, move, bytes } = plan.totals;
      event("plan", { create, update, delete: deletes, move, bytes });
    },
    change(change: Change) {
      event("change", { op: change.op, path: change.path, bytes: contentBytes(change) });
    },
    problem({ path, code, message }: Problem) {
      event("problem", { path, code, message });
    },
    done: (summary) => done(summary, summary.problems === 0),
    stopped: (summary) => done(summary, false),
    flush: () => lines.flush(),
  };
}

function contentBytes(change: Change): number {
  return change.op !== "delete" && change.content ? sizeOf(change.entry) : 0;
}
