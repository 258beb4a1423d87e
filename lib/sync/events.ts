/** What a run says, as values: the events of the contract's `--json`, which a job sends to its client as they are. */
import type { Problem } from "../core/entry.ts";
import { integer, malformed, text } from "../wire/fields.ts";
import { problemOfJson } from "../wire/outcome.ts";
import { type Change, type PlanTotals, sizeOf } from "./plan.ts";
import type { Reporter } from "./ledger.ts";
import type { Summary } from "./summary.ts";

export interface PlanEvent extends Pick<PlanTotals, "create" | "update" | "delete" | "move" | "bytes"> {
  event: "plan";
}

export interface ChangeEvent {
  event: "change";
  op: Change["op"];
  path: string;
  /** Where it was, or what it is a copy of. */
  from?: string;
  /** Bytes of content. */
  bytes: number;
}

export interface ProblemEvent extends Problem {
  event: "problem";
}

/** The last one; `ok` when every change that was planned was done. */
export interface DoneEvent extends Summary {
  event: "done";
  ok: boolean;
  dry_run?: true;
  /** Of a run on a schedule: the exit status that it would have had by itself, and when it began. */
  exit?: number;
  started?: string;
}

/** What a run on a schedule says of itself. */
export interface Scheduled {
  started: Date;
  /** The exit status that stands for an error. */
  exitOf(error: unknown): number;
}

/** One line of `--json`. */
export type RunEvent = PlanEvent | ChangeEvent | ProblemEvent | DoneEvent;

/** A reporter that also closes the report. */
export interface EventReporter extends Reporter {
  /** The summary of a run that came to its end. */
  done(summary: Summary): void;
}

/** Makes events of what a run reports, and tells them. */
export function eventReporter(
  tell: (event: RunEvent) => void,
  options: { dryRun: boolean; scheduled?: Scheduled },
): EventReporter {
  const { dryRun, scheduled } = options;
  const done = (summary: Summary, ok: boolean, exit: number) =>
    tell({
      event: "done",
      ok,
      ...(dryRun ? { dry_run: true } : {}),
      ...summary,
      ...(scheduled ? { exit, started: scheduled.started.toISOString() } : {}),
    });
  return {
    plan({ totals }) {
      const { create, update, delete: deletes, move, bytes } = totals;
      tell({ event: "plan", create, update, delete: deletes, move, bytes });
    },
    change(change) {
      for (const event of changeEvents(change)) tell(event);
    },
    problem: ({ path, code, message }) => tell({ event: "problem", path, code, message }),
    done: (summary) => done(summary, summary.problems === 0, summary.problems === 0 ? 0 : 1),
    stopped: (summary, error) => done(summary, false, scheduled?.exitOf(error) ?? 1),
  };
}

/** The lines that a change is worth: all that is in a folder moves with it. */
function changeEvents(change: Change): ChangeEvent[] {
  const { op, path } = change;
  if (op === "move") {
    return [change, ...change.inside].map(({ path, from }) => ({
      event: "change",
      op,
      path,
      from,
      bytes: 0,
    }));
  }
  const bytes = op !== "delete" && change.content ? sizeOf(change.entry) : 0;
  const from = op === "delete" ? undefined : change.copy?.from;
  return [{ event: "change", op, path, ...(from === undefined ? {} : { from }), bytes }];
}

const OPS = ["create", "update", "delete", "move"] as const;

/** An event that came from a server; null for one that this version does not know. Throws `protocol`. */
export function parseEvent(fields: Record<string, unknown>): RunEvent | null {
  const count = (name: string) => integer(fields, name);
  switch (fields.event) {
    case "plan":
      return {
        event: "plan",
        create: count("create"),
        update: count("update"),
        delete: count("delete"),
        move: count("move"),
        bytes: count("bytes"),
      };
    case "change": {
      const op = OPS.find((known) => known === fields.op);
      if (op === undefined) throw malformed('"op" is none of a change');
      const from = fields.from === undefined ? {} : { from: pathOf(fields, "from") };
      return { event: "change", op, path: pathOf(fields, "path"), ...from, bytes: count("bytes") };
    }
    case "problem":
      return { event: "problem", path: pathOf(fields, "path"), ...problemOfJson(fields) };
    case "done":
      return {
        event: "done",
        ok: fields.ok === true,
        ...(fields.dry_run === true ? { dry_run: true } : {}),
        created: count("created"),
        updated: count("updated"),
        deleted: count("deleted"),
        moved: count("moved"),
        conflicts: count("conflicts"),
        problems: count("problems"),
        files: count("files"),
        bytes_content: count("bytes_content"),
        bytes_sent: count("bytes_sent"),
        bytes_received: count("bytes_received"),
        ms: count("ms"),
      };
    default:
      return null;
  }
}

/** A path is only shown, so any text that is not too long will do. */
function pathOf(fields: Record<string, unknown>, name: string): string {
  return text(fields, name, 8192);
}
