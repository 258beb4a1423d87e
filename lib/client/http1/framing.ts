/** How long the body of an answer is: RFC 9112 section 6.3. Pure. */
import { HeadError } from "./fields.ts";
import type { Head } from "./head.ts";

/** What ends a body. */
export type Framing =
  | { kind: "none" }
  | { kind: "length"; bytes: number }
  | { kind: "chunked" }
  /** The end of the connection. */
  | { kind: "close" };

/** The framing of the answer to a request with `method`. Throws HeadError for what two programs could read in two ways. */
export function framing(head: Head, method: string): Framing {
  const { status, fields } = head;
  const length = fields.get("content-length");
  const coding = fields.get("transfer-encoding");
  if (method === "HEAD" || status < 200 || status === 204 || status === 304) return { kind: "none" };
  if (coding !== null) {
    if (length !== null) throw new HeadError("both a transfer-encoding and a content-length");
    if (coding.toLowerCase() !== "chunked") {
      throw new HeadError("a transfer-encoding that nobody asked for: " + coding);
    }
    return { kind: "chunked" };
  }
  return length === null ? { kind: "close" } : { kind: "length", bytes: contentLength(length) };
}

const DIGITS = /^\d{1,15}$/;

/** Repeated with the same number it is still one (RFC 9112 section 6.3, 5). */
function contentLength(value: string): number {
  if (DIGITS.test(value)) return Number(value);
  const numbers = value.split(",").map((piece) => piece.trim());
  if (numbers.some((number) => !DIGITS.test(number) || Number(number) !== Number(numbers[0]))) {
    throw new HeadError("a content-length that is no number: " + value.slice(0, 60));
  }
  return Number(numbers[0]);
}

/** Whether the connection may be used again after this answer (RFC 9112 section 9.3). */
export function isPersistent(head: Head, kind: Framing["kind"]): boolean {
  const { minor, fields } = head;
  if (kind === "close" || minor === 0) return false;
  const options = fields.get("connection");
  return options === null || !/(?:^|,)[ \t]*close[ \t]*(?:,|$)/i.test(options);
}
