/** The note beside a part: what it takes to go on with it. */
import { isOwn } from "./part_lock.ts";
import type { Validator } from "../transfer/resume.ts";

const MOST_BYTES = 64 * 1024;

/** Bytes of a part, `[start, end)`. */
export type ByteRange = readonly [start: number, end: number];

/** A note of a download in 64 segments has some hundred of them. */
const MOST_RANGES = 2000;

/** What lies beside a part: of which resource it is the beginning. */
export interface PartNote {
  url: string;
  size: number;
  validator: Validator;
  /** Which bytes are there, in order, where they came in segments; without it all that the part holds. */
  ranges?: readonly ByteRange[];
  /** The SHA-256 that the whole must have: bytes are among them that nothing else vouches for. Lower-case hex. */
  sha256?: string;
  /** The boot of the machine that the bytes were written in, or null once they are on the disk for good. */
  boot: string | null;
}

/**
 * `note` as it is written, over the one before. A number of its own is at both ends: a program that is killed in the midst
 * of a long one leaves the beginning of this and the end of that.
 */
export function noteText(note: PartNote): string {
  const [id] = crypto.getRandomValues(new Uint32Array(1));
  return JSON.stringify({ id, ...note, end: id });
}

/** The note at `path`; null when there is none of this user's, or it makes no sense. */
export function noteAt(path: string): PartNote | null {
  try {
    const info = Deno.lstatSync(path);
    if (info.size > MOST_BYTES || !isOwn(info, path)) return null;
    return readNote(JSON.parse(Deno.readTextFileSync(path)));
  } catch {
    return null;
  }
}

/** What an earlier run noted, or null for what is no note. */
// deno-lint-ignore no-explicit-any -- whatever JSON can be
function readNote(note: any): PartNote | null {
  const { kind, value, coding } = note?.validator ?? {};
  const good = note?.id === note?.end && typeof note?.url === "string" && Number.isSafeInteger(note.size) &&
    typeof value === "string" &&
    (kind === "etag" || kind === "date") && /^[\x20-\x7e]{1,1000}$/.test(value) &&
    (coding === undefined || (typeof coding === "string" && /^[\x20-\x7e]{1,100}$/.test(coding))) &&
    (note.boot === null || typeof note.boot === "string") &&
    (note.sha256 === undefined || /^[0-9a-f]{64}$/.test(note.sha256)) &&
    (note.ranges === undefined || areRanges(note.ranges, note.size));
  if (!good) return null;
  const { url, size, boot, ranges, sha256 } = note;
  const validator = { kind, value, ...(coding === undefined ? {} : { coding }) };
  return { url, size, validator, ranges, sha256, boot };
}

/** Whether `value` is ranges of bytes of a resource of `size`, in order and apart, the first one from its beginning. */
function areRanges(value: unknown, size: number): value is ByteRange[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > MOST_RANGES) return false;
  let last = 0;
  return value.every((range, index) => {
    if (!Array.isArray(range) || range.length !== 2 || !range.every(Number.isSafeInteger)) return false;
    const [start, end] = range;
    const good = (index === 0 ? start === 0 : start > last) && end > start && end <= size;
    last = end;
    return good;
  });
}

/** Another one after each start of the machine; empty where the system does not tell. */
export function bootId(): string {
  try {
    return Deno.readTextFileSync("/proc/sys/kernel/random/boot_id").trim();
  } catch {
    return "";
  }
}
