/** How a download that stopped goes on: what to ask for, and what the answer means for the bytes there are. Pure. */
import { assertNever } from "../core/errors.ts";

/** What tells that the bytes of a resource are still the same ones (RFC 9110 section 8.8). Always a strong one. */
export type Validator = { kind: "etag"; value: string } | { kind: "date"; value: string };

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
export function strongValidator(headers: Headers): Validator | undefined {
  const etag = headers.get("etag");
  if (etag !== null) return /^"[^"]*"$/.test(etag) ? { kind: "etag", value: etag } : undefined;
  const modified = headers.get("last-modified");
  const age = Date.parse(headers.get("date") ?? "") - Date.parse(modified ?? "");
  return modified !== null && age >= 60_000 ? { kind: "date", value: modified } : undefined;
}

/** Whether `position` can be gone on from, rather than started over. */
export function canResume(position: Position): boolean {
  // Without a known end, an answer may have been decoded on the way, and offsets would not be the server's.
  return position.have > 0 && position.validator !== undefined && position.end !== undefined;
}

/** The value of `Range` that asks for what `position` lacks. */
export function rangeFrom(position: Position): string {
  return `bytes=${position.start + position.have}-${position.end === undefined ? "" : position.end - 1}`;
}

/** What to do with the answer to a request for the rest. */
export type ResumeVerdict =
  /** Its body goes on where ours stopped. */
  | { kind: "append" }
  /** Its body is the very resource from its beginning: pass over so many bytes. */
  | { kind: "skip"; bytes: number }
  /** Nothing is missing. */
  | { kind: "complete" }
  /** The resource is another one now, and this is it from its beginning. */
  | { kind: "changed" }
  /** The answer is of no use: ask again from the beginning. */
  | { kind: "useless" };

/** Judges the answer (`status`, `headers`) to a request for the rest of `position`. */
export function judgeResume(position: Position, answer: { status: number; headers: Headers }): ResumeVerdict {
  const next = position.start + position.have;
  const range = parseContentRange(answer.headers.get("content-range"));
  const same = sameResource(position, answer.headers);
  switch (answer.status) {
    case 206: {
      // A server that ignores If-Range gives itself away by another validator or another size.
      const grown = range?.size !== undefined && position.size !== undefined && range.size !== position.size;
      const fits = range?.kind === "part" && range.start === next && range.end <= (position.end ?? Infinity);
      return same !== false && fits && !grown ? { kind: "append" } : { kind: "useless" };
    }
    case 200:
      return same === true ? { kind: "skip", bytes: next } : { kind: "changed" };
    case 416:
      return same !== false && range?.kind === "unsatisfied" && range.size === next && position.size === next
        ? { kind: "complete" }
        : { kind: "useless" };
    default:
      return { kind: "useless" };
  }
}

/** True or false when the answer's own validator tells, null when it has none (a 206 to If-Range need not repeat it). */
function sameResource(position: Position, headers: Headers): boolean | null {
  const { validator } = position;
  switch (validator?.kind) {
    case undefined:
      return false;
    case "etag": {
      const etag = headers.get("etag");
      return etag === null ? null : etag === validator.value;
    }
    case "date": {
      const modified = headers.get("last-modified");
      // Equal dates are proof only together with the server's own comparison, which a 200 says has failed.
      if (modified === null) return null;
      return modified === validator.value ? null : false;
    }
    default:
      return assertNever(validator);
  }
}
