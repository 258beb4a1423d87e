/** When runs start: every so often, or as a cron expression says. Pure. */
import { Cron } from "croner";
import { formatDurationFlag } from "../cli/units.ts";
import { FerryError, quote } from "../core/errors.ts";

/** The moments at which runs start. */
export type Schedule =
  /** `ms` apart, the first at once. */
  | { kind: "every"; ms: number }
  /** At the moments that `expression` names in the time zone `zone`. */
  | { kind: "cron"; expression: string; zone: string };

/** How a run ended: as it should, or not for now, or because another one was at work, or in a way that repeats itself. */
export type Ending = "done" | "failed" | "locked" | "hopeless";

const SHORTEST_MS = 1000;
const LONGEST_MS = 366 * 86_400_000;

/** A tenth of the interval, at most this much, is left to chance, so that many machines do not come all at once. */
const MAX_JITTER_MS = 30_000;

/** The longest pause after failures, unless the interval itself is longer. */
const MAX_BACKOFF_MS = 15 * 60_000;

/** What the pause after failures starts with where a cron expression gives the times. */
const CRON_BACKOFF_MS = 60_000;

/**
 * The schedule that one of the flags asks for; `zone` gives the time zone of a cron expression. Throws `usage`, naming
 * the flag.
 */
export function parseSchedule(
  flags: { every?: number; cron?: string },
  options: { zone: () => string; now?: Date },
): Schedule {
  const { every, cron } = flags;
  if (every !== undefined && cron !== undefined) {
    throw new FerryError("usage", "--every and --cron cannot go together");
  }
  if (every !== undefined) {
    if (every < SHORTEST_MS || every > LONGEST_MS) {
      throw new FerryError("usage", `--every ${formatDurationFlag(every)}: must be from 1s to 366d`);
    }
    return { kind: "every", ms: every };
  }
  if (cron === undefined) throw new TypeError("neither flag is given");
  const schedule: Schedule = { kind: "cron", expression: cron, zone: options.zone() };
  const wrong = (why: string) => new FerryError("usage", `--cron ${quote(cron)}: ${why}`);
  // The library also takes seconds, years and single dates.
  const fields = cron.trim().split(/\s+/).length;
  if (!cron.trim().startsWith("@") && fields !== 5) {
    throw wrong(`must be five fields (minute, hour, day, month, weekday), not ${fields}`);
  }
  let next: Date | null;
  try {
    next = nextMatch(schedule, options.now ?? new Date());
  } catch (error) {
    throw wrong(quote((error as Error).message.replace(/^Cron\w+: /, "")));
  }
  if (next === null) throw wrong("there is no such day");
  return schedule;
}

/**
 * The time zone that `TZ` names (UTC where it is empty, as POSIX's systems have it), or the system's. Throws `usage` for a name that is none: it would be taken for UTC.
 */
export function timeZone(tz: string | undefined): string {
  const name = tz?.replace(/^:/, "");
  if (name === "") return "UTC";
  if (name === undefined || name.startsWith("/")) return Intl.DateTimeFormat().resolvedOptions().timeZone;
  try {
    return Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    throw new FerryError("usage", `TZ=${quote(name)} is not a time zone such as Europe/Berlin`);
  }
}

function nextMatch(schedule: Schedule & { kind: "cron" }, after: Date): Date | null {
  const cron = new Cron(schedule.expression, { paused: true, timezone: schedule.zone });
  return cron.nextRun(after);
}

/** What has happened so far; times in milliseconds since 1970. */
export interface History {
  /** When the last run was due; undefined before the first. */
  due?: number;
  /** Failures in a row. */
  failures: number;
}

/** Nothing so far. */
export const NO_HISTORY: History = { failures: 0 };

/** `history` after the run that was due at `due`. One that found another at work says nothing about the next. */
export function after(history: History, due: number, ending: Ending): History {
  switch (ending) {
    case "done":
      return { due, failures: 0 };
    case "locked":
      return { due, failures: history.failures };
    default:
      return { due, failures: history.failures + 1 };
  }
}

/**
 * When the next run is due, seen from `now`: the first moment of the schedule that is still to come, and after
 * failures not before a pause that doubles. What was missed meanwhile is not made up for. Null when there is none.
 */
export function nextDue(schedule: Schedule, history: History, now: number): number | null {
  const { due } = history;
  const earliest = due === undefined
    ? now
    : Math.max(now, due + Math.max(1, backoff(schedule, history.failures)));
  if (schedule.kind === "cron") return nextMatch(schedule, new Date(earliest - 1))?.getTime() ?? null;
  if (due === undefined) return now;
  const steps = Math.max(1, Math.ceil((earliest - due) / schedule.ms));
  return due + steps * schedule.ms;
}

/** Milliseconds from one start to the next at least, after so many failures in a row. */
function backoff(schedule: Schedule, failures: number): number {
  if (failures === 0) return 0;
  const first = schedule.kind === "every" ? schedule.ms : CRON_BACKOFF_MS;
  return Math.min(first * 2 ** Math.min(failures - 1, 30), Math.max(first, MAX_BACKOFF_MS));
}

/**
 * How long after it is due a run starts: for --every a part of the interval that `random` (0 to 1) chooses; the first
 * run and those of --cron, whose times somebody chose, start when they are due.
 */
export function jitter(schedule: Schedule, history: History, random: number): number {
  if (schedule.kind === "cron" || history.due === undefined) return 0;
  return Math.round(random * Math.min(schedule.ms / 10, MAX_JITTER_MS));
}

/** What a run that ended with the exit status `exit` means for the next one. */
export function endingOf(exit: number): Ending {
  switch (exit) {
    case 0:
    case 1:
      return "done";
    // Wrong use does not get better by itself.
    case 2:
    case 3:
      return "hopeless";
    case 42:
      return "locked";
    default:
      return "failed";
  }
}
