/** What a run says: itemized text, or one JSON event a line (the contract's). Pure formatting over a `write` function. */
import { assertNever, quote } from "../core/errors.ts";
import { jsonText } from "../client/answer_text.ts";
import { formatBytes, formatMs, formatTime } from "../cli/units.ts";
import { type EventReporter, eventReporter, type RunEvent, type Scheduled } from "./events.ts";
import type { Summary } from "./summary.ts";
import type { Tally } from "./tally.ts";

/** A report of the events of a run, this program's own or a server's. */
export interface Report extends EventReporter {
  tell(event: RunEvent): void;
  /** Hands on what is still buffered. */
  flush(): void;
}

export interface ReportOptions {
  dryRun: boolean;
  /** Set for one of many runs: each then says when it was. */
  scheduled?: Scheduled;
  /** Counts along. */
  tally?: Tally;
}

const MARKS = { create: "+", update: "~", delete: "-", move: ">" } as const;
const COLORS = { create: "\x1b[32m", update: "\x1b[33m", delete: "\x1b[31m", move: "\x1b[36m" } as const;
const RESET = "\x1b[0m";

/** Lines are gathered up to this many characters: a write for each of 70,000 lines would cost more than the run. */
const BUFFER_CHARS = 32 * 1024;

/** Lines that are written together. A write that failed is thrown again by all that follows it. */
class LineBuffer {
  #text = "";
  #failure: unknown;

  constructor(readonly write: (text: string) => void) {}

  line(line: string): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.#text += line + "\n";
    if (this.#text.length > BUFFER_CHARS) this.flush();
  }

  flush(): void {
    if (this.#failure !== undefined) throw this.#failure;
    const text = this.#text;
    this.#text = "";
    try {
      if (text !== "") this.write(text);
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }
}

/** The itemized text; `quiet` leaves only the problems, which then go to `writeProblem`. */
export function textReport(
  write: (text: string) => void,
  writeProblem: (text: string) => void,
  options: ReportOptions & { quiet: boolean; color: boolean },
): Report {
  const lines = new LineBuffer(write);
  const tell = (event: RunEvent): void => {
    options.tally?.tell(event);
    switch (event.event) {
      case "plan":
        return;
      case "change": {
        if (options.quiet) return;
        const mark = options.color ? COLORS[event.op] + MARKS[event.op] + RESET : MARKS[event.op];
        const from = event.op === "move" ? `${quote(event.from ?? "")} -> ` : "";
        return lines.line(`${mark} ${from}${quote(event.path)}`);
      }
      case "problem": {
        const line = `! ${quote(event.path)}: ${quote(event.message)}`;
        return options.quiet ? writeProblem(line + "\n") : lines.line(line);
      }
      case "done": {
        const { scheduled, quiet, dryRun } = options;
        const time = scheduled === undefined ? "" : formatTime(new Date()) + " ";
        if (!quiet || scheduled !== undefined) lines.line(time + summaryLine(event, dryRun));
        return;
      }
      default:
        assertNever(event);
    }
  };
  // The error itself is the last word of a run that was stopped.
  return { ...eventReporter(tell, options), stopped() {}, tell, flush: () => lines.flush() };
}

function summaryLine(summary: Summary, dryRun: boolean): string {
  const counts = [
    `${summary.created} created`,
    `${summary.updated} updated`,
    `${summary.deleted} deleted`,
    ...(summary.moved > 0 ? [`${summary.moved} moved`] : []),
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
  const tell = (event: RunEvent) => {
    options.tally?.tell(event);
    lines.line(jsonText(event));
  };
  return { ...eventReporter(tell, options), tell, flush: () => lines.flush() };
}
