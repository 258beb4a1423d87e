/** Runs on a schedule, one at a time, until it is told to stop. */
import { sleep } from "../client/pace.ts";
import {
  after,
  type Ending,
  endingOf,
  type History,
  jitter,
  nextDue,
  NO_HISTORY,
  type Schedule,
} from "./schedule.ts";

export interface RepeatOptions {
  /** Does one run and gives its exit status; what it throws ends it all. */
  run(started: Date): Promise<number>;
  /** Told when the next run will be, and how the last one ended. */
  waiting(until: Date, last?: Ending): void;
  /** Ends the waiting; its reason is thrown. A run under way has to hear of it by itself. */
  stop: AbortSignal;
}

/** The clock may be set, and a machine may sleep: how far the wait is, is looked at so often. */
const LOOK_MS = 30_000;

/** A moment of a cron expression that was slept through by more than this is left out. */
const LATE_MS = 60_000;

/** Runs by `schedule` until a run ends in a way that would repeat itself, and gives its exit status. */
export async function repeat(schedule: Schedule, options: RepeatOptions): Promise<number> {
  // Intervals must not change when somebody sets the clock; cron expressions are about what it shows.
  const now = schedule.kind === "every" ? () => performance.timeOrigin + performance.now() : () => Date.now();
  let history: History = NO_HISTORY;
  let last: Ending | undefined;
  for (;;) {
    const due = nextDue(schedule, history, now());
    if (due === null) return 0;
    const start = due + jitter(schedule, history, Math.random());
    if (start > now()) options.waiting(new Date(Date.now() + start - now()), last);
    for (let left = start - now(); left > 0; left = start - now()) {
      await sleep(Math.min(left, LOOK_MS), options.stop);
    }
    if (schedule.kind === "cron" && now() - due > LATE_MS) continue;
    const exit = await options.run(new Date());
    last = endingOf(exit);
    if (last === "hopeless") return exit;
    history = after(history, due, last);
  }
}
