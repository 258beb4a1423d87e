/**
 * What a connection is doing, told from outside: from what TCP counts for it. Nobody is asked about a request that
 * is answered at once, so that such requests cost nothing for being watched.
 */
import { assertNever } from "../../core/errors.ts";

/** What TCP knows of a connection at one moment. */
export interface TcpCounts {
  /** Bytes of answers that the program has handed over. */
  written: number;
  /** Bytes that have arrived at the client. */
  acked: number;
  /** Bytes that came from the client. */
  received: number;
  /** Whether some of what was handed over has not arrived. */
  queued: boolean;
}

/** Times are milliseconds on one clock. */
export type Phase =
  /** It is new, or a request has begun, and nothing was said since. */
  | { kind: "head"; since: number }
  /** All was answered; `base` bytes had been received by then. */
  | { kind: "idle"; since: number; base: number }
  /**
   * An answer is on its way: `acked` bytes had arrived at `since`, when this part of it began to be measured, and the
   * last of `latest` at `moved`.
   */
  | { kind: "answer"; since: number; acked: number; latest: number; moved: number };

/** What a connection may take its time for, in milliseconds; 0 for any time. */
export interface Deadlines {
  /** From the first byte of a request, or from the start of the connection, to the end of its head. */
  header: number;
  /** Between an answer and the next request. */
  idle: number;
  /** For an answer of which nothing arrives, or fewer than `leastRate` bytes a second over this time. */
  body: number;
  leastRate: number;
}

/** Why a connection should end. */
export type Overdue = "head" | "idle" | "stalled";

/** The phase of a connection that was just found. */
export function firstPhase({ written, received }: TcpCounts, now: number): Phase {
  return written > 0 ? { kind: "idle", since: now, base: received } : { kind: "head", since: now };
}

/** The phase after `phase`, when `before` has become `counts`. */
export function nextPhase(
  phase: Phase,
  { before, counts, now, deadlines }: {
    before: TcpCounts;
    counts: TcpCounts;
    now: number;
    deadlines: Deadlines;
  },
): Phase {
  const { acked, received } = counts;
  if (counts.queued) {
    if (phase.kind !== "answer" || measured(phase, { acked, now, deadlines })) {
      return { kind: "answer", since: now, acked, latest: acked, moved: now };
    }
    return acked === phase.latest ? phase : { ...phase, latest: acked, moved: now };
  }
  if (counts.written !== before.written || phase.kind === "answer") {
    return { kind: "idle", since: now, base: received };
  }
  return phase.kind === "idle" && received > phase.base ? { kind: "head", since: now } : phase;
}

/** Whether a part of an answer has come through, in time and fast enough, so that the next one is to be measured. */
function measured(
  phase: Phase & { kind: "answer" },
  { acked, now, deadlines }: { acked: number; now: number; deadlines: Deadlines },
): boolean {
  const spent = now - phase.since;
  return spent >= deadlines.body && acked - phase.acked >= deadlines.leastRate * spent / 1000;
}

/** What a connection in `phase` has taken too long for; null for nothing. */
export function overdue(phase: Phase, now: number, deadlines: Deadlines): Overdue | null {
  const { header, idle, body, leastRate } = deadlines;
  switch (phase.kind) {
    case "head":
      return isOver(now - phase.since, header) ? "head" : null;
    case "idle":
      return isOver(now - phase.since, idle) ? "idle" : null;
    case "answer": {
      if (isOver(now - phase.moved, body)) return "stalled";
      const spent = now - phase.since;
      const few = phase.latest - phase.acked < leastRate * spent / 1000;
      return few && isOver(spent, body) ? "stalled" : null;
    }
    default:
      return assertNever(phase);
  }
}

function isOver(ms: number, limit: number): boolean {
  return limit > 0 && ms >= limit;
}
