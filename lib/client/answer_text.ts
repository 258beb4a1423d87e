/** Answers as text: status line, headers, what a server says about an error. All of it safe for a terminal. Pure. */
import { quote } from "../core/errors.ts";
import { redactHeader } from "./credentials/credentials.ts";
import type { FieldReader } from "./http1/fields.ts";

/** `HTTP/1.1 200 OK`, as the server has put it. */
export function statusLine(
  { version, status, statusText }: { version: string; status: number; statusText: string },
): string {
  return `HTTP/${version} ${status}${statusText === "" ? "" : " " + quote(asUtf8(statusText))}`;
}

/** Status line, headers as the server has spelled them, and the empty line behind them. */
export function headText(
  answer: { version: string; status: number; statusText: string; headers: FieldReader },
): string {
  const fields = answer.headers.asSent?.() ?? answer.headers;
  const lines = Array.from(fields, ([name, value]) => headerLine(name, value));
  return [statusLine(answer), ...lines].join("\n") + "\n\n";
}

/** The line `name: value`, a secret redacted when `redact`. */
export function headerLine(name: string, value: string, options: { redact?: boolean } = {}): string {
  const shown = options.redact ? redactHeader(name, value) : value;
  return `${name}: ${quote(asUtf8(shown))}`;
}

/** Header bytes come as Latin-1 characters; most of those above 0x7f are UTF-8. */
export function asUtf8(value: string): string {
  if (!/[\u0080-\u00ff]/.test(value)) return value;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(value, (c) => c.charCodeAt(0)));
  } catch {
    return value;
  }
}

/** `404 Not Found`, and after it the `detail` of a problem document (RFC 9457) when `body` is one. */
export function describeStatus(
  answer: { status: number; statusText: string; headers: Pick<Headers, "get"> },
  body: string,
): string {
  const line = `${answer.status}${answer.statusText === "" ? "" : " " + quote(asUtf8(answer.statusText))}`;
  const type = answer.headers.get("content-type") ?? "";
  if (!/^application\/problem\+json\b/i.test(type)) return line;
  try {
    const detail = JSON.parse(body)?.detail;
    return typeof detail === "string" && detail !== "" ? `${line}: ${quote(detail.slice(0, 500))}` : line;
  } catch {
    return line;
  }
}

/** Text from a server for a terminal: line breaks and tabs stay, every other control character is shown as an escape. */
export function terminalText(text: string): string {
  return text.replaceAll("\r\n", "\n").split(/([\n\t])/).map((piece) =>
    piece === "\n" || piece === "\t" ? piece : quote(piece)
  ).join("");
}

/** JSON of `value` in one line, in which no character can move a terminal's cursor or turn its text around. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g,
    (character) => "\\u" + character.charCodeAt(0).toString(16).padStart(4, "0"),
  );
}
