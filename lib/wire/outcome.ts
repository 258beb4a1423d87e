/** What became of one operation or one file. */
import type { Problem, ProblemCode } from "../core/entry.ts";
import { type Fields, isObject, list, malformed, parseObject, pathOf } from "./fields.ts";
import { MAX_OPERATIONS } from "./limits.ts";

/** How one operation or one staged file went: null for done. */
export type Outcome = { code: ProblemCode; message: string } | null;

const PROBLEM_CODES: ReadonlySet<string> = new Set<ProblemCode>([
  "unreadable",
  "unsupported_kind",
  "not_utf8",
  "refused_name",
  "bad_link",
  "changed",
  "vanished",
  "conflict",
  "forbidden",
  "write_failed",
  "disk_full",
  "bad_content",
  "missing",
]);

/** A problem as it stands in a frame or an outcome; a code that this version does not know becomes `unreadable`. */
export function problemOfJson(input: string | Uint8Array | Fields): { code: ProblemCode; message: string } {
  const fields = typeof input === "string" || input instanceof Uint8Array ? parseObject(input) : input;
  const code = typeof fields.code === "string" && PROBLEM_CODES.has(fields.code) ? fields.code : "unreadable";
  const message = typeof fields.message === "string" ? fields.message.slice(0, 1000) : "no reason given";
  return { code: code as ProblemCode, message };
}

/** The answer of `PUT stage` and `POST commit`: one outcome for each thing sent, in order. */
export function parseOutcomes(fields: Fields, count: number): Outcome[] {
  const outcomes = list(fields, "outcomes", MAX_OPERATIONS);
  if (outcomes.length !== count) throw malformed(`${count} outcomes were due, ${outcomes.length} came`);
  return outcomes.map((value) => {
    if (value === null) return null;
    if (typeof value !== "object") throw malformed("an outcome is neither null nor a problem");
    return problemOfJson(value as Fields);
  });
}

/** The answer of `POST finish`: what did not come into its place although its commit said so. */
export function parseUndone(fields: Fields): Problem[] {
  return list(fields, "problems", MAX_OPERATIONS).map((value) => {
    if (!isObject(value)) throw malformed("a problem is not an object");
    return { path: pathOf(value.path), ...problemOfJson(value) };
  });
}
