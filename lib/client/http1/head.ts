/** The head of an answer: RFC 9112 sections 2 to 5. Pure. */
import { Fields, HeadError } from "./fields.ts";

export interface Head {
  /** HTTP/1.x. */
  minor: number;
  status: number;
  /** The reason phrase, bytes as Latin-1. */
  statusText: string;
  fields: Fields;
}

const LF = 10, CR = 13;

/**
 * Where the head that begins `bytes` ends, behind its empty line; -1 when more is to come. The first `searched` bytes
 * are known to hold no end. A line may end in LF alone (RFC 9112 section 2.2).
 */
export function headEnd(bytes: Uint8Array, searched = 0): number {
  for (let at = Math.max(0, searched - 2);; at++) {
    at = bytes.indexOf(LF, at);
    if (at === -1) return -1;
    const before = at > 0 && bytes[at - 1] === CR ? at - 2 : at - 1;
    if (before >= 0 && bytes[before] === LF) return at + 1;
  }
}

const STATUS_LINE = /^HTTP\/1\.(\d) (\d{3})(?: ([^\r]*))?$/;

// deno-lint-ignore no-control-regex -- control characters are what this is about
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/;

/** Reads a whole head, bytes as Latin-1, its empty line included. Throws HeadError. */
export function parseHead(text: string): Head {
  const end = text.indexOf("\n");
  const match = STATUS_LINE.exec(lineOf(text, 0, end));
  if (match === null) throw new HeadError(notHttp(text.slice(0, end)));
  const status = Number(match[2]);
  if (status < 100) throw new HeadError(`the status ${match[2]}`);
  const statusText = match[3] ?? "";
  if (CONTROL.test(statusText)) throw new HeadError("a control character in its status line");
  return { minor: Number(match[1]), status, statusText, fields: parseFields(text, end + 1) };
}

/** The fields in `text` from `start` on, up to an empty line. Throws HeadError. */
export function parseFields(text: string, start: number): Fields {
  const fields = new Fields();
  for (;;) {
    const end = text.indexOf("\n", start);
    const line = lineOf(text, start, end);
    if (line === "") return fields;
    // What earlier versions let go on like this could hide a header (RFC 9112 section 5.2).
    const first = line.charCodeAt(0);
    if (first === 32 || first === 9) throw new HeadError("a folded header line");
    fields.add(line);
    start = end + 1;
  }
}

function lineOf(text: string, start: number, end: number): string {
  return text.slice(start, end > start && text.charCodeAt(end - 1) === CR ? end - 1 : end);
}

/** Bytes as text, one character a byte. */
export function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) {
    text += String.fromCharCode.apply(null, bytes.subarray(at, at + 8192) as unknown as number[]);
  }
  return text;
}

function notHttp(line: string): string {
  return /^HTTP\//.test(line) ? "a status line that is none" : "something that is not HTTP";
}
