/** One connection of a download in segments, and how it gets on. */
import { assertNever } from "../../core/errors.ts";
import type { SegmentPlan } from "./plan.ts";
import type { Source } from "./source.ts";

export interface Worker {
  id: number;
  source: Source;
  state: "asking" | "receiving" | "waiting" | "idle" | "gone";
  /** Tries in a row that failed, while all connections together brought next to nothing. */
  failures: number;
  /** What all had brought when it failed the last time. */
  before: number;
  attempt: AbortController;
  /** When its last bytes came, milliseconds. */
  moved: number;
  /** When, and with which byte, it began to receive what it holds. */
  began: number;
  first: number;
}

export function newWorker(id: number, source: Source): Worker {
  const now = performance.now();
  return {
    id,
    source,
    state: "asking",
    failures: 0,
    before: 0,
    attempt: new AbortController(),
    moved: now,
    began: now,
    first: 0,
  };
}

/** Whether it waits for its server. */
export function isBusy({ state }: Worker): boolean {
  switch (state) {
    case "asking":
    case "receiving":
      return true;
    case "waiting":
    case "idle":
    case "gone":
      return false;
    default:
      return assertNever(state);
  }
}

/** The one of `workers` that will have brought all that it holds last, if that takes longer than `most` milliseconds. */
export function slowest(workers: readonly Worker[], plan: SegmentPlan, most: number): Worker | null {
  const now = performance.now();
  const late = workers.filter(isBusy).map((worker) => ({ worker, left: timeLeft(worker, plan, now) }))
    .filter(({ left }) => left > most).sort((a, b) => b.left - a.left);
  return late.length === 0 ? null : late[0].worker;
}

/** Milliseconds until it has brought all that it holds, at its rate so far; before its first byte what it has taken. */
function timeLeft({ id, state, began, moved, first }: Worker, plan: SegmentPlan, now: number): number {
  if (state === "asking") return now - moved;
  const { start, end } = plan.rest(id);
  return (end - start) * (now - began) / Math.max(1, start - first);
}
