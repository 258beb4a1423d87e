/** Conditional requests (RFC 9110 section 13). */
import { parseHttpDate } from "./date.ts";
import { parseEtagList, strongEqual, weakEqual } from "./etag.ts";

/** The conditional headers of a request, null where absent. */
export interface Conditions {
  ifMatch: string | null;
  ifUnmodifiedSince: string | null;
  ifNoneMatch: string | null;
  ifModifiedSince: string | null;
}

/** What the target is now; null when nothing is there. */
export interface Validators {
  /** Null for what has no tag, such as a folder. */
  etag: string | null;
  /** Milliseconds since 1970; null for what has no date. */
  mtime: number | null;
}

/** `proceed` with the method, or answer 304 or 412. */
export type Verdict = "proceed" | "not_modified" | "failed";

/** The conditional headers of `headers`; undefined when there is none. */
export function readConditions(headers: Pick<Headers, "get">): Conditions | undefined {
  const ifMatch = headers.get("if-match");
  const ifUnmodifiedSince = headers.get("if-unmodified-since");
  const ifNoneMatch = headers.get("if-none-match");
  const ifModifiedSince = headers.get("if-modified-since");
  if (ifMatch === null && ifUnmodifiedSince === null && ifNoneMatch === null && ifModifiedSince === null) {
    return undefined;
  }
  return { ifMatch, ifUnmodifiedSince, ifNoneMatch, ifModifiedSince };
}

/**
 * Weighs the headers in the order of section 13.2.2. `reading` is true for GET and HEAD, which may be answered with
 * 304. A date that is not an HTTP date is as good as absent.
 */
export function evaluate(
  conditions: Conditions | undefined,
  current: Validators | null,
  options: { reading: boolean },
): Verdict {
  if (conditions === undefined) return "proceed";
  const { ifMatch, ifUnmodifiedSince, ifNoneMatch, ifModifiedSince } = conditions;
  if (ifMatch !== null) {
    if (!matches(ifMatch, current, strongEqual)) return "failed";
  } else if (ifUnmodifiedSince !== null && current?.mtime != null) {
    const date = parseHttpDate(ifUnmodifiedSince);
    if (date !== null && seconds(current.mtime) > seconds(date)) return "failed";
  }
  if (ifNoneMatch !== null) {
    if (matches(ifNoneMatch, current, weakEqual)) return options.reading ? "not_modified" : "failed";
  } else if (options.reading && ifModifiedSince !== null && current?.mtime != null) {
    const date = parseHttpDate(ifModifiedSince);
    if (date !== null && seconds(current.mtime) <= seconds(date)) return "not_modified";
  }
  return "proceed";
}

function matches(
  header: string,
  current: Validators | null,
  equal: (a: string, b: string) => boolean,
): boolean {
  if (current === null) return false;
  const list = parseEtagList(header);
  if (list === "*") return true;
  const { etag } = current;
  return etag !== null && list.some((tag) => equal(tag, etag));
}

/**
 * Whether an `If-Range` validator is exactly the current one, so that the ranges may be served (section 13.1.5):
 * the same strong tag, or the very date.
 */
export function ifRangeHolds(header: string, current: Validators): boolean {
  if (/^(?:W\/)?"/.test(header)) return current.etag !== null && strongEqual(header.trim(), current.etag);
  const date = parseHttpDate(header);
  return date !== null && current.mtime !== null && seconds(current.mtime) === seconds(date);
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}
