/** Counts what a run does and tells a reporter of it. */
import type { Problem } from "../core/entry.ts";
import type { Change, Plan } from "./plan.ts";
import { DONE_AS, newSummary, type Summary } from "./summary.ts";

/** Who is told what a run does, in order: the plan, then each change or problem. */
export interface Reporter {
  plan(plan: Plan): void;
  change(change: Change): void;
  problem(problem: Problem): void;
  /** The run was stopped by `error`, which is thrown next. */
  stopped(summary: Summary, error: unknown): void;
}

/** What one run has done so far. */
export class Ledger {
  readonly summary = newSummary();
  /** What was done of a first copy, by the name at the top; null when the destination was not empty. */
  #doneBelow: Map<string, { created: number; bytes: number }> | null = null;

  constructor(readonly reporter: Reporter) {}

  /** The destination was empty: what is done shows only when all below a top-level name is there. */
  first(): void {
    this.#doneBelow = new Map();
  }

  /** What is about to be done, and what cannot be. */
  plan(plan: Plan): void {
    this.reporter.plan(plan);
    for (const problem of plan.problems) this.problem(problem);
  }

  /** Something cannot be done, and why. */
  problem(problem: Problem): void {
    this.summary.problems++;
    this.reporter.problem(problem);
  }

  /** What was said to be done and in the end was not: all of a first copy below one name. */
  undone(problem: Problem): void {
    const { created, bytes } = this.#doneBelow?.get(problem.path) ?? { created: 0, bytes: 0 };
    this.summary.created -= created;
    this.summary.bytes_content -= bytes;
    this.problem(problem);
  }

  /** A change was made, and so many bytes of content with it. */
  done(change: Change, bytes: number): void {
    if (this.#doneBelow !== null) {
      const [top] = change.path.split("/", 1);
      const below = this.#doneBelow.get(top) ?? { created: 0, bytes: 0 };
      if (change.op === "create") below.created++;
      if (change.op !== "delete" && change.content) below.bytes += bytes;
      this.#doneBelow.set(top, below);
    }
    this.summary[DONE_AS[change.op]] += change.op === "move" ? 1 + change.inside.length : 1;
    if (change.op !== "delete" && change.content) this.summary.bytes_content += bytes;
    this.reporter.change(change);
  }
}
