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

/**
 * The rules that `/PATH:PERMS,/PATH:PERMS` spells, each path once, with `otherwise` for a path without PERMS; or what is
 * wrong with it, in a few words.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(parseRules("/:r,/in", "rw"), [{ path: "", perms: 1 }, { path: "in", perms: 3 }]);
 * ```
 */
export function parseRules(text: string, otherwise: string): Rule[] | { problem: string } {
  const rules: Rule[] = [];
  for (const part of text.split(",")) {
    const colon = part.lastIndexOf(":");
    const rule = colon === -1
      ? parseRule(part, otherwise)
      : parseRule(part.slice(0, colon), part.slice(colon + 1));
    if ("problem" in rule) return rule;
    if (rules.some(({ path }) => path === rule.path)) {
      return { problem: `the path /${quote(rule.path)} comes twice` };
    }
    rules.push(rule);
  }
  return rules;
}
