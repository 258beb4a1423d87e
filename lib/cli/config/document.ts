/** A file of JSON with comments and trailing commas, as a tree that knows where everything stands. */
import { type Node, type ParseError, parseTree, printParseErrorCode } from "jsonc-parser";

/** Something wrong in a file, where it stands; both numbers count from 1, columns in UTF-16 units. */
export interface Mistake {
  line: number;
  column: number;
  message: string;
}

/** The keys and indices that lead from the top of a file to a value. */
export type Way = readonly (string | number)[];

/** A file that was read. */
export interface Document {
  /** Undefined for a file without a value in it. */
  root: Node | undefined;
  text: string;
  /** What is wrong with its syntax, at most one a line. */
  mistakes: Mistake[];
}

/** Reads the text of a file; what is wrong with it is in the answer, with all that could be read nevertheless. */
export function parseDocument(file: string): Document {
  const text = file.replace(/^\uFEFF/, "");
  const errors: ParseError[] = [];
  const root = parseShallow(text, errors);
  if (root === null) return { root: undefined, text, mistakes: [{ line: 1, column: 1, message: TOO_DEEP }] };
  const mistakes: Mistake[] = [];
  let last = 0;
  for (const { error, offset } of errors) {
    const place = placeAt(text, offset);
    const code = printParseErrorCode(error);
    // One slip makes several errors, and only the first of them explains it.
    const follows = code === "ValueExpected" && !text.slice(last, offset).includes(",");
    last = offset;
    if (mistakes.length > 0 && (follows || mistakes.at(-1)?.line === place.line)) continue;
    mistakes.push({ ...place, message: SYNTAX[code] ?? "this is not JSON" });
  }
  return { root, text, mistakes };
}

const TOO_DEEP = "the file is nested too deeply";

/** The tree of `text`; null for one that is too deep to be read. */
function parseShallow(text: string, errors: ParseError[]): Node | undefined | null {
  try {
    return parseTree(text, errors, { allowTrailingComma: true, allowEmptyContent: true });
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

const SYNTAX: Readonly<Record<string, string>> = {
  InvalidSymbol: "this is not JSON: texts and keys stand in double quotes",
  InvalidNumberFormat: "this is no number of JSON",
  PropertyNameExpected: "a key in double quotes is missing",
  ValueExpected: "a value is missing",
  ColonExpected: "a colon is missing between key and value",
  CommaExpected: "a comma is missing",
  CloseBraceExpected: "a } is missing",
  CloseBracketExpected: "a ] is missing",
  EndOfFileExpected: "something follows the end of the configuration",
  UnexpectedEndOfComment: "this comment has no end: */ is missing",
  UnexpectedEndOfString: "this text has no end on its line: a double quote is missing",
  UnexpectedEndOfNumber: "this is no number of JSON",
  InvalidUnicode: "\\u is followed by four hex digits",
  InvalidEscapeCharacter: "there is no such escape: a backslash is written \\\\",
  InvalidCharacter: "control characters are written as escapes",
};

/** Line and column of the character at `offset`. */
export function placeAt(text: string, offset: number): Pick<Mistake, "line" | "column"> {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: offset - lineStart + 1 };
}

/** Where the value that `way` leads to stands; where that is not there, the last one on the way. */
export function placeOf(document: Document, way: Way): Pick<Mistake, "line" | "column"> {
  let node = document.root;
  for (const step of way) {
    const next = stepFrom(node, step);
    if (next === undefined) break;
    node = next;
  }
  return placeAt(document.text, node?.offset ?? 0);
}

/** Whether there is a value that `way` leads to, right or wrong. */
export function isGiven(document: Document, way: Way): boolean {
  return way.reduce(stepFrom, document.root) !== undefined;
}

function stepFrom(node: Node | undefined, step: string | number): Node | undefined {
  return typeof step === "number" ? node?.children?.[step] : valueOf(node, step);
}

/** The value at `key` of an object: the last one, as `JSON.parse` would take it. */
function valueOf(node: Node | undefined, key: string): Node | undefined {
  if (node?.type !== "object") return undefined;
  return node.children?.findLast(({ children }) => children?.[0].value === key)?.children?.[1];
}

/** `mistakes` of `file`, a line each, in the order of their places: `FILE:LINE:COLUMN: what is wrong`. */
export function formatMistakes(file: string, mistakes: readonly Mistake[]): string[] {
  return mistakes.toSorted((a, b) => a.line - b.line || a.column - b.column)
    .map(({ line, column, message }) => `${file}:${line}:${column}: ${message}`);
}
