/** Rules as people write them, in flags and files: a URL path, and letters of permissions. Pure. */
import { quote } from "../core/errors.ts";
import { pathProblem } from "../core/paths.ts";
import { parsePerms, type Rule } from "./access.ts";

/**
 * The rule that gives `perms` (letters of `rwds`, or `none`) at `path`, which starts with a slash and may end with one;
 * or what is wrong with them, in a few words.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(parseRule("/docs/", "r"), { path: "docs", perms: 1 });
 * assertEquals(parseRule("docs", "r"), { problem: "a path starts with a slash: docs" });
 * ```
 */
export function parseRule(path: string, perms: string): Rule | { problem: string } {
  if (!path.startsWith("/")) return { problem: `a path starts with a slash: ${quote(path)}` };
  const set = parsePerms(perms);
  if (set === null) return { problem: `permissions are letters of rwds, or none: ${quote(perms)}` };
  const inner = path.replace(/^\//, "").replace(/\/$/, "");
  const problem = pathProblem(inner);
  return problem === null
    ? { path: inner, perms: set }
    : { problem: `${quote(path)} is refused: ${problem}` };
}

/** The first path that `rules` have twice; null for none. */
export function doublePath(rules: readonly Rule[]): string | null {
  const seen = new Set<string>();
  for (const { path } of rules) {
    if (seen.has(path)) return `/${path}`;
    seen.add(path);
  }
  return null;
}
