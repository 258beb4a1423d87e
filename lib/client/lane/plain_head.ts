/** The heads of most answers, looked through byte by byte without taking them apart. Pure. */
import { latin1 } from "../http1/head.ts";

/** What `readPlainHead` finds. */
export interface PlainHead {
  status: number;
  /** Where it ends, behind its empty line. */
  end: number;
  /** Of the body that follows. */
  length: number;
  /** Where the value of its `Last-Modified` is, with the blanks around it; 0 and 0 where it has none. */
  modified: number;
  modifiedEnd: number;
}

const TAB = 9, LF = 10, CR = 13, SPACE = 32, COLON = 58, ZERO = 48, NINE = 57;

const bytesOf = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));

/** The characters of names, in lower case; 0 for all others (RFC 9110 section 5.6.2). */
const NAME = new Uint8Array(256);
for (const char of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
  NAME[char.charCodeAt(0)] = char.toLowerCase().charCodeAt(0);
}

/** The characters of values: 1 for all but control characters. */
const VALUE = Uint8Array.from(
  { length: 256 },
  (_, byte) => byte === TAB || (byte >= 32 && byte !== 127) ? 1 : 0,
);

const OK = bytesOf("HTTP/1.1 200");
const NOT_MODIFIED = bytesOf("HTTP/1.1 304");
const CONTENT_LENGTH = bytesOf("content-length");
const CONNECTION = bytesOf("connection");
const KEEP_ALIVE = bytesOf("keep-alive");
const LAST_MODIFIED = bytesOf("last-modified");

/** Fields that say more of the body than a length. */
const SAY_MORE = ["transfer-encoding", "content-encoding", "repr-digest", "content-digest"].map(bytesOf);

/** Fewer fields than a head may have. */
const MOST_FIELDS = 64;

/** More digits than any length needs, and fewer than make a number inexact. */
const MOST_DIGITS = 15;

/**
 * Whether a head begins at `from`, whole, of a whole file or of one that has not changed, on a connection that goes on, of
 * which nothing has to be known but where it ends and how long the body is; `found` then says that. False for every other
 * head, good or bad (RFC 9112).
 */
export function readPlainHead(bytes: Uint8Array, from: number, found: PlainHead): boolean {
  const isOk = isAt(bytes, from, OK);
  if (!isOk && !isAt(bytes, from, NOT_MODIFIED)) return false;
  let at = from + OK.length;
  if (bytes[at] === SPACE) at = valueEnd(bytes, at);
  let length = -1;
  let modified = 0, modifiedEnd = 0;
  for (let fields = 0; fields < MOST_FIELDS; fields++) {
    if (bytes[at] !== CR || bytes[at + 1] !== LF) return false;
    at += 2;
    if (bytes[at] === CR) {
      if (bytes[at + 1] !== LF || (isOk && length === -1)) return false;
      found.status = isOk ? 200 : 304;
      found.end = at + 2;
      // Whatever it says, there is no body behind "not modified" (RFC 9110 section 15.4.5).
      found.length = isOk ? length : 0;
      found.modified = modified;
      found.modifiedEnd = modifiedEnd;
      return true;
    }
    const colon = nameEnd(bytes, at);
    if (colon === at || bytes[colon] !== COLON) return false;
    const end = valueEnd(bytes, colon + 1);
    switch (colon - at) {
      case CONNECTION.length:
        if (isNamed(bytes, at, CONNECTION) && !isValue(bytes, { from: colon + 1, end }, KEEP_ALIVE)) {
          return false;
        }
        break;
      case CONTENT_LENGTH.length:
        if (isNamed(bytes, at, CONTENT_LENGTH)) {
          if (length !== -1) return false;
          length = numberIn(bytes, colon + 1, end);
          if (length === -1) return false;
        }
        break;
      case LAST_MODIFIED.length:
        if (isNamed(bytes, at, LAST_MODIFIED)) {
          if (modified !== 0) return false;
          modified = colon + 1;
          modifiedEnd = end;
        }
        break;
    }
    for (let i = 0; i < SAY_MORE.length; i++) {
      if (SAY_MORE[i].length === colon - at && isNamed(bytes, at, SAY_MORE[i])) return false;
    }
    at = end;
  }
  return false;
}

function nameEnd(bytes: Uint8Array, at: number): number {
  while (at < bytes.length && NAME[bytes[at]] !== 0) at++;
  return at;
}

function valueEnd(bytes: Uint8Array, at: number): number {
  while (at < bytes.length && VALUE[bytes[at]] === 1) at++;
  return at;
}

/** Whether all of `text` stands at `at`. */
function isAt(bytes: Uint8Array, at: number, text: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text[i]) return false;
  return true;
}

/** Whether the name `text`, which is in lower case, stands at `at` in any case. */
function isNamed(bytes: Uint8Array, at: number, text: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) if (NAME[bytes[at + i]] !== text[i]) return false;
  return true;
}

/** Whether the value is `text`, with blanks around it or not. */
function isValue(bytes: Uint8Array, { from, end }: { from: number; end: number }, text: Uint8Array): boolean {
  while (from < end && isBlank(bytes[from])) from++;
  while (end > from && isBlank(bytes[end - 1])) end--;
  return end - from === text.length && isNamed(bytes, from, text);
}

/** The bytes from `from` to `end` without the blanks around them, one character a byte. */
export function valueText(bytes: Uint8Array, from: number, end: number): string {
  while (from < end && isBlank(bytes[from])) from++;
  while (end > from && isBlank(bytes[end - 1])) end--;
  return latin1(bytes.subarray(from, end));
}

/** The number that a value is, with blanks around it or not; -1 for what is none. */
function numberIn(bytes: Uint8Array, from: number, end: number): number {
  while (from < end && isBlank(bytes[from])) from++;
  while (end > from && isBlank(bytes[end - 1])) end--;
  if (end === from || end - from > MOST_DIGITS) return -1;
  let number = 0;
  for (let at = from; at < end; at++) {
    const byte = bytes[at];
    if (byte < ZERO || byte > NINE) return -1;
    number = number * 10 + byte - ZERO;
  }
  return number;
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB;
}
