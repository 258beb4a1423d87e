/** How a download that stopped goes on: what to ask for, and what the answer means for the bytes there are. Pure. */
import { assertNever } from "../../core/errors.ts";

/** What tells that the bytes of a resource are still the same ones (RFC 9110 section 8.8). Always a strong one. */
export type Validator = ({ kind: "etag"; value: string } | { kind: "date"; value: string }) & {
  /** The coding that the bytes come under, none when undefined: some servers have one ETag for all of them. */
  coding?: string;
};

/** How far a download has come. Offsets count bytes of the whole resource. */
export interface Position {
  /** Where the wanted bytes start: 0, or the start of a range. */
  start: number;
  /** Bytes from `start` on that are safely there. */
  have: number;
  /** Where the wanted bytes end (exclusive), when the server has said so. */
  end?: number;
  /** The size of the whole resource, when the server has said so. */
  size?: number;
  validator?: Validator;
}

/** What `Content-Range: bytes 0-99/1000` says; RFC 9110 section 14.4. */
export type ContentRange =
  | { kind: "part"; start: number; end: number; size?: number }
  | { kind: "unsatisfied"; size: number };

/** Reads `Content-Range`; `end` is exclusive. Null when there is none or it makes no sense. */
export function parseContentRange(value: string | null): ContentRange | null {
  const match = /^bytes (?:(\d{1,15})-(\d{1,15})|\*)\/(\d{1,15}|\*)$/i.exec(value?.trim() ?? "");
  if (match === null) return null;
  const size = match[3] === "*" ? undefined : Number(match[3]);
  if (match[1] === undefined) return size === undefined ? null : { kind: "unsatisfied", size };
  const [start, end] = [Number(match[1]), Number(match[2]) + 1];
  if (end <= start || (size !== undefined && end > size)) return null;
  return { kind: "part", start, end, size };
}

/**
 * The strong validator of an answer: its ETag, or a Last-Modified that lies a minute before Date, so that a second
 * change within the same second cannot hide (RFC 9110 section 8.8.2.2).
 */
export function strongValidator(headers: Pick<Headers, "get">): Validator | undefined {
  const etag = headers.get("etag");
  const coding = codingOf(headers);
  const under = coding === undefined ? {} : { coding };
  if (etag !== null) return /^"[^"]*"$/.test(etag) ? { kind: "etag", value: etag, ...under } : undefined;
  const modified = headers.get("last-modified");
  const age = Date.parse(headers.get("date") ?? "") - Date.parse(modified ?? "");
  return modified !== null && age >= 60_000 ? { kind: "date", value: modified, ...under } : undefined;
}

/** `Content-Encoding` (RFC 9110 section 8.4), undefined for none. */
function codingOf(headers: Pick<Headers, "get">): string | undefined {
  const coding = headers.get("content-encoding")?.toLowerCase();
  return coding === undefined || coding === "" || coding === "identity" ? undefined : coding;
}

/** Whether `position` can be gone on from, rather than started over. */
export function canResume(position: Position): boolean {
  // Without a known end, an answer may have been decoded on the way, and offsets would not be the server's.
  return position.have > 0 && position.validator !== undefined && position.end !== undefined;
}

/** The value of `Range` that asks for what `position` lacks. */
export function rangeFrom(position: Position): string {
  return `bytes=${firstAsked(position)}-${position.end === undefined ? "" : position.end - 1}`;
}

/** The last byte once more when none is missing: an answer of 206 proves by its ETag what one of 416 cannot. */
function firstAsked(position: Position): number {
  const next = position.start + position.have;
  return next === position.end ? next - 1 : next;
}

/** What to do with the answer to a request for the rest. */
export type ResumeVerdict =
  /** Its body goes on where ours stopped. */
  | { kind: "append" }
  /** Its body is the very resource from its beginning: pass over so many bytes. */
  | { kind: "skip"; bytes: number }
  /** The resource is another one now, and this is it from its beginning. */
  | { kind: "changed" }
  /** The answer is of no use: ask again from the beginning. */
  | { kind: "useless" };

/** Judges the answer (`status`, `headers`) to a request for the rest of `position`. */
export function judgeResume(
  position: Position,
  answer: { status: number; headers: Pick<Headers, "get"> },
): ResumeVerdict {
  const next = position.start + position.have;
  const range = parseContentRange(answer.headers.get("content-range"));
  const same = sameResource(position, answer.headers);
  switch (answer.status) {
    case 206: {
      // A server that ignores If-Range gives itself away by another validator or another size.
      const grown = range?.size !== undefined && position.size !== undefined && range.size !== position.size;
      const fits = range?.kind === "part" && range.start === firstAsked(position) &&
        range.end <= (position.end ?? Infinity);
      return same && fits && !grown ? { kind: "append" } : { kind: "useless" };
    }
    case 200:
      // Equal dates prove nothing here: by answering 200 the server says that they are not enough.
      return same && position.validator?.kind === "etag"
        ? { kind: "skip", bytes: next }
        : { kind: "changed" };
    default:
      return { kind: "useless" };
  }
}

/** Whether the answer's own validator is ours. A 206 must repeat an ETag (RFC 9110 section 15.3.7), but no date. */
function sameResource(position: Position, headers: Pick<Headers, "get">): boolean {
  const { validator } = position;
  if (validator?.coding !== codingOf(headers)) return false;
  switch (validator?.kind) {
    case undefined:
      return false;
    case "etag":
      return headers.get("etag") === validator.value;
    case "date":
      return (headers.get("last-modified") ?? validator.value) === validator.value;
    default:
      return assertNever(validator);
  }
}

/** Whether a request with these headers can be answered with 304 (RFC 9110 sections 13.1.2 and 13.1.3). */
export function isConditional(headers: Pick<Headers, "has">): boolean {
  return headers.has("if-none-match") || headers.has("if-modified-since");
}
