/**
 * What a configuration file may hold, as data: the reader checks a file by it, and the JSON schema and the manual's
 * tables are made from it. A key that is also a flag takes its type, range and words from the flag.
 */
import type { Flag, FlagCheck } from "../flags.ts";
import { assertNever } from "../../core/errors.ts";

/** What one value is. */
export type Shape =
  | { kind: "flag"; flag: Flag }
  | TextShape
  | { kind: "object"; keys: Keys }
  /** An object whose keys are names that `key` describes; read as a Map. */
  | { kind: "map"; key: TextShape; of: Shape }
  | { kind: "list"; of: Shape }
  /** The first one that has the value's JSON type counts. */
  | { kind: "either"; of: readonly Shape[] };

/** A text that is no flag's. */
export interface TextShape {
  kind: "text";
  /** In words that follow "must be". */
  what: string;
  /** What all of it must match; editors go by it too. */
  pattern?: RegExp;
  /** Asked when the pattern matches. */
  check?: FlagCheck;
  /** It is a path of the file system, and starts from the folder of the file. */
  path?: boolean;
}

/** The keys of an object. */
export type Keys = Readonly<Record<string, Key>>;

export interface Key {
  shape: Shape;
  about: string;
  required?: boolean;
}

/** The types that a JSON value can have. */
export type JsonType = "string" | "number" | "boolean" | "array" | "object" | "null";

/** The JSON types that values of `shape` can have. */
export function jsonTypes(shape: Shape): JsonType[] {
  switch (shape.kind) {
    case "flag":
      return flagTypes(shape.flag);
    case "text":
      return ["string"];
    case "object":
    case "map":
      return ["object"];
    case "list":
      return ["array"];
    case "either":
      return [...new Set(shape.of.flatMap(jsonTypes))];
    default:
      return assertNever(shape);
  }
}

function flagTypes(flag: Flag): JsonType[] {
  switch (flag.type) {
    case "boolean":
      return ["boolean"];
    case "integer":
      return ["number"];
    case "string":
      return ["string"];
    // A bare number is bytes, or seconds, as on a command line.
    case "size":
    case "duration":
      return ["string", "number"];
    case "list":
      return ["array", "string"];
    default:
      return assertNever(flag);
  }
}

/** What a value of `shape` is, in words that follow "must be". */
export function describe(shape: Shape): string {
  switch (shape.kind) {
    case "flag":
      return describeFlag(shape.flag);
    case "text":
      return shape.what;
    case "object":
      return "an object";
    case "map":
      return `an object whose keys are each ${shape.key.what}`;
    case "list":
      return "a list";
    case "either":
      return shape.of.map(describe).join(", or ");
    default:
      return assertNever(shape);
  }
}

function describeFlag(flag: Flag): string {
  switch (flag.type) {
    case "boolean":
      return "true or false";
    case "integer":
      return `a whole number from ${flag.min} to ${flag.max}`;
    case "string":
      return flag.choices === undefined ? "a text" : `one of ${flag.choices.map((c) => `"${c}"`).join(", ")}`;
    case "size":
      return 'a size such as "64K", "10M" or "2GiB", or a number of bytes';
    case "duration":
      return 'a duration such as "500ms", "30s" or "5m", or a number of seconds';
    case "list":
      return "a list of texts, or one text";
    default:
      return assertNever(flag);
  }
}

/** Why `text` is not one of `shape`, in words that follow its name; null when it is. */
export function textProblem(text: string, { what, pattern, check }: Omit<TextShape, "kind">): string | null {
  if (text === "") return "must not be empty";
  if (pattern !== undefined && !pattern.test(text)) return `must be ${what}`;
  return check?.(text) ?? null;
}
