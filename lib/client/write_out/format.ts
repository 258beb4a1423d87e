/** `--write-out`: a text with the facts of a finished URL in it, in curl's notation. Pure. */
import { closestString } from "@std/text/closest-string";
import { assertNever, FerryError, quote } from "../../core/errors.ts";
import type { Report } from "./facts.ts";
import { asUtf8, jsonText } from "../answer_text.ts";
import { headerOf, type Need, type Value, VARIABLES } from "./variables.ts";

/** A piece of a format. */
type Piece =
  | { kind: "text"; text: string }
  | { kind: "variable"; name: string }
  | { kind: "header"; name: string }
  /** All variables, or all headers, as an object. */
  | { kind: "json" }
  | { kind: "header_json" }
  /** Where the rest goes. */
  | { kind: "stream"; stream: Stream }
  /** The rest is for what failed. */
  | { kind: "on_error" };

export type Stream = "stdout" | "stderr";

/** A format that was read. */
export type Format = readonly Piece[];

const ESCAPES: Record<string, string> = { n: "\n", r: "\r", t: "\t", "\\": "\\" };

/** The last alternative is what has no end. */
const TOKEN =
  /%(?:%|\{header\{([^}]*)\}\}|header\{([^}]*)\}|\{([^}]*)\})|\\([nrt\\])|(%(?:header)?\{.{0,20})/g;

/** RFC 9110 section 5.6.2. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~\w-]+$/;

/**
 * Reads a format: `%{name}`, `%header{Name}` (also `%{header{Name}}`), `%%`, `\n`, `\r`, `\t`, `\\`. All else is text.
 * Throws `usage` for a name that there is not, and for one without an end.
 */
export function parseFormat(text: string): Format {
  const pieces: Piece[] = [];
  const add = (text: string) => {
    const last = pieces.at(-1);
    if (last?.kind === "text") last.text += text;
    else if (text !== "") pieces.push({ kind: "text", text });
  };
  let at = 0;
  for (const match of text.matchAll(TOKEN)) {
    add(text.slice(at, match.index));
    at = match.index + match[0].length;
    const header = match[1] ?? match[2];
    if (match[5] !== undefined) throw wrong(`${quote(match[5])} has no } at its end`);
    if (header !== undefined) {
      if (!HEADER_NAME.test(header)) throw wrong(`${quote(match[0])} is no header's name`);
      pieces.push({ kind: "header", name: header });
    } else if (match[3] !== undefined) pieces.push(named(match[3]));
    else add(match[0] === "%%" ? "%" : ESCAPES[match[4]]);
  }
  add(text.slice(at));
  return pieces;
}

function named(name: string): Piece {
  switch (name) {
    case "json":
    case "header_json":
      return { kind: name };
    case "stdout":
    case "stderr":
      return { kind: "stream", stream: name };
    case "onerror":
      return { kind: "on_error" };
  }
  if (Object.hasOwn(VARIABLES, name)) return { kind: "variable", name };
  const nearest = closestString(name, [
    ...Object.keys(VARIABLES),
    "json",
    "header_json",
    "stdout",
    "stderr",
    "onerror",
  ]);
  throw wrong(`there is no %{${quote(name)}}; did you mean %{${nearest}}?`);
}

function wrong(why: string): FerryError {
  return new FerryError("usage", `--write-out: ${why}`);
}

/** Whether `format` shows what takes `need`. */
export function needs(format: Format, need: Need): boolean {
  return format.some((piece) => {
    switch (piece.kind) {
      case "text":
      case "stream":
      case "on_error":
        return false;
      case "json":
        return true;
      case "header":
      case "header_json":
        return need === "facts";
      case "variable":
        return VARIABLES[piece.name].needs?.includes(need) ?? false;
      default:
        return assertNever(piece);
    }
  });
}

/**
 * The texts that `format` gives for `report`, with the stream that each goes to; no two of one stream in a row. On a
 * stream that is a terminal the control characters of values become escapes.
 */
export function render(
  format: Format,
  report: Report,
  isTerminal: Readonly<Record<Stream, boolean>>,
): { stream: Stream; text: string }[] {
  const texts: { stream: Stream; text: string }[] = [];
  let stream: Stream = "stdout";
  for (const piece of format) {
    if (piece.kind === "stream") {
      stream = piece.stream;
      continue;
    }
    if (piece.kind === "on_error") {
      if (report.outcome.error === undefined) break;
      continue;
    }
    const value = renderPiece(piece, report);
    const text = piece.kind !== "text" && isTerminal[stream] ? quote(value) : value;
    const last = texts.at(-1);
    if (last?.stream === stream) last.text += text;
    else if (text !== "") texts.push({ stream, text });
  }
  return texts;
}

function renderPiece(piece: Exclude<Piece, { kind: "stream" | "on_error" }>, report: Report): string {
  switch (piece.kind) {
    case "text":
      return piece.text;
    case "variable": {
      const { of, form } = VARIABLES[piece.name];
      return shown(of(report), form);
    }
    case "header":
      return headerOf(report, piece.name) ?? "";
    case "json":
      return jsonText(
        Object.fromEntries(Object.entries(VARIABLES).map(([name, { of }]) => [name, of(report)])),
      );
    case "header_json":
      return jsonText(headersOf(report));
    default:
      return assertNever(piece);
  }
}

function shown(value: Value, form: "seconds" | "status" | undefined): string {
  if (value === null) return "";
  if (form === "seconds") return Number(value).toFixed(6);
  return form === "status" ? String(value).padStart(3, "0") : String(value);
}

/** Names in lower case, each with all its values, as curl writes them. */
function headersOf(report: Report): Record<string, string[]> {
  const headers: Record<string, string[]> = Object.create(null);
  for (const [name, value] of report.facts.answer?.headers ?? []) {
    (headers[name.toLowerCase()] ??= []).push(asUtf8(value));
  }
  return headers;
}
