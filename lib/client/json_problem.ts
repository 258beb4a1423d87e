import { quote } from "../core/errors.ts";

/**
 * Why `error`, thrown by `JSON.parse`, came about, without the excerpt of the text that the runtime puts into it: there
 * may be a password in it.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(jsonProblem(new SyntaxError(`Unexpected token 'x', ..."password":x" is not valid JSON`)), "Unexpected token 'x'");
 * ```
 */
export function jsonProblem(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return quote(text.replace(/,? ?(?:\.\.\.)?".*$/s, ""));
}
