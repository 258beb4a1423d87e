/** When to try again and after how long. Pure. */
import { parseHttpDate } from "../http/date.ts";
import { FetchError } from "./fetch_error.ts";
import { StatusError } from "./status_error.ts";

/** Milliseconds of the first wait, doubled each time. */
const FIRST_WAIT = 300;
const LONGEST_WAIT = 30_000;
/** A server that asks for more patience than this in Retry-After gets this much. */
export const LONGEST_RETRY_AFTER = 60_000;

// RFC 9110 section 9.2.2, and of RFC 4918 the one that only reads.
const IDEMPOTENT: readonly string[] = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PROPFIND"];
const RETRY_STATUS: readonly number[] = [408, 425, 429];
// What these servers cannot do now they cannot do a moment later (RFC 9110, 4918, 5842, 2774, 6585).
const FINAL_STATUS: readonly number[] = [501, 505, 506, 507, 508, 510, 511];

/** Whether a request with `method` may be sent twice without doing its work twice. */
function isIdempotent(method: string): boolean {
  return IDEMPOTENT.includes(method);
}

/** Whether an answer with this status may be another one a moment later. */
export function isRetryStatus(status: number): boolean {
  return RETRY_STATUS.includes(status) || (status >= 500 && !FINAL_STATUS.includes(status));
}

/** Whether the request that ended in `error` may be sent again; its body can be read again when `rereadable`. */
export function mayRetry(error: unknown, request: { method: string; rereadable: boolean }): boolean {
  if (!request.rereadable) return false;
  if (error instanceof StatusError) return isRetryStatus(error.status) && isIdempotent(request.method);
  if (!(error instanceof FetchError) || !error.facts.transient) return false;
  return !error.facts.sent || isIdempotent(request.method);
}

/**
 * Milliseconds to wait before try `attempt` (1 for the first repetition): doubling, with half of it left to `random`
 * (0 to 1) so that many clients do not come back at once; or what the server asked for.
 */
export function retryWait(attempt: number, options: { retryAfter?: number; random?: number } = {}): number {
  if (options.retryAfter !== undefined) return Math.min(options.retryAfter, LONGEST_RETRY_AFTER);
  const full = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(attempt - 1, 20));
  return Math.round(full * (0.5 + (options.random ?? Math.random()) / 2));
}

/** Milliseconds from `Retry-After` (RFC 9110 section 10.2.3): seconds, or a date seen from `now`; else undefined. */
export function parseRetryAfter(value: string | null, now: number): number | undefined {
  if (value === null) return undefined;
  const text = value.trim();
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const time = parseHttpDate(text, now);
  return time === null ? undefined : Math.max(0, time - now);
}
