/** The lines that a job tells how it goes by, held to their order and number (docs/protocol.md, "Jobs"). */
import { MAX_TREE_ENTRIES } from "./limits.ts";
import { type Fields, malformed, parseObject, text } from "./fields.ts";

/** The longest line: two paths with every character escaped. */
export const MAX_REPORT_LINE_BYTES = 128 * 1024;

/** Everything that a source and a destination can hold may change. */
const MAX_EVENTS = 2 * MAX_TREE_ENTRIES;

/** An honest server says every ten seconds that it is at work; some may have waited on the way. */
const FREE_BEATS = 100;
const MAX_BEATS_A_SECOND = 1;

/** A minute of them behind the end of a run. */
const MAX_LAST_BEATS = 6;

export type ReportLine =
  | { kind: "job"; id: string }
  | { kind: "event"; fields: Fields };

/** Reads a report line by line. */
export class JobReportReader {
  readonly #now: () => number;
  readonly #start: number;
  #state: "start" | "events" | "done" | "over" = "start";
  #beats = 0;
  #lastBeats = 0;
  #events = 0;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#start = now();
  }

  /** What a line without its newline says; null for nothing. Throws `protocol` for what no honest server would send. */
  line(line: string): ReportLine | null {
    if (this.#state === "over") throw malformed("a line behind the end of a job");
    if (line === "") return this.#beat();
    const fields = parseObject(line);
    if (this.#state === "start") {
      const id = text(fields, "job", 36);
      if (!/^[0-9a-f-]{36}$/.test(id)) throw malformed('"job" is no id of a job');
      this.#state = "events";
      return { kind: "job", id };
    }
    if (fields.job !== undefined) throw malformed("a job that begins twice");
    if (fields.event === "error") this.#state = "over";
    else if (this.#state === "done") throw malformed("an event behind the last one");
    else if (fields.event === "done") this.#state = "done";
    if (++this.#events > MAX_EVENTS) throw malformed(`more than ${MAX_EVENTS} events`);
    return { kind: "event", fields };
  }

  #beat(): null {
    const most = FREE_BEATS + (this.#now() - this.#start) / 1000 * MAX_BEATS_A_SECOND;
    const late = this.#state === "done" && ++this.#lastBeats > MAX_LAST_BEATS;
    if (late || ++this.#beats > most) throw malformed("nothing but empty lines");
    return null;
  }
}
