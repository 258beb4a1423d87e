/** Patterns in the syntax of gitignore: what is one, and within which bounds. Pure. */

/** The longest pattern, in characters. */
const MAX_PATTERN_CHARS = 1000;

/**
 * Matching tries the ways in which stars can be spread over a name one after the other. Three in a name of 255 bytes
 * are 3 million ways at most; with five, one hostile name could take an hour.
 */
const MAX_STARS_IN_NAME = 3;
const MAX_DOUBLE_STARS = 2;

/** The patterns in the text of a filter file, each with its line, counted from 1. Comments and blank lines are none. */
export function patternsOf(text: string): { line: number; pattern: string }[] {
  return text.replace(/^\ufeff/, "").split(/\r?\n/).map((pattern, index) => ({ line: index + 1, pattern }))
    .filter(({ pattern }) => pattern.trim() !== "" && !pattern.startsWith("#"));
}

/**
 * Why `pattern` cannot be used, or null when it can.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(patternProblem("!build/[a-z]*.o"), null);
 * assertEquals(patternProblem("[a-z"), "a [ that is never closed");
 * ```
 */
export function patternProblem(pattern: string): string | null {
  if (pattern.length > MAX_PATTERN_CHARS) return `a pattern over ${MAX_PATTERN_CHARS} characters`;
  if (pattern.includes("\0")) return "a NUL byte";
  if (pattern.includes("\n")) return "a line break in a pattern";
  const body = pattern.replace(/^!/, "").trimEnd();
  if (/^\/*$/.test(body)) return "a pattern that names nothing";
  if (/(?:^|[^\\])(?:\\\\)*\\$/.test(body) && body === pattern.replace(/^!/, "")) {
    return "a backslash at the end";
  }
  return classProblem(body) ?? starProblem(body);
}

function classProblem(body: string): string | null {
  for (let at = 0; at < body.length; at++) {
    if (body[at] === "\\") at++;
    else if (body[at] === "[") {
      const end = classEnd(body, at);
      if (end === -1) return "a [ that is never closed";
      if (/^\[[!^]?\[[:.=]/.test(body.slice(at))) return "a class such as [:alpha:], which is not supported";
      at = end;
    }
  }
  return null;
}

/** Where the class that begins at `start` ends: at a bracket that is not its first character, before any slash. */
function classEnd(body: string, start: number): number {
  let at = start + 1;
  if (body[at] === "!" || body[at] === "^") at++;
  for (let first = true; at < body.length && body[at] !== "/"; at++, first = false) {
    if (body[at] === "\\") at++;
    else if (body[at] === "]" && !first) return at;
  }
  return -1;
}

function starProblem(body: string): string | null {
  const { single, double } = starsOf(body);
  if (single > MAX_STARS_IN_NAME) return `more than ${MAX_STARS_IN_NAME} stars in one name`;
  return double > MAX_DOUBLE_STARS ? `more than ${MAX_DOUBLE_STARS} times **` : null;
}

/** The most stars in one name, many in a row counted as one, and how often `**` stands for folders. */
function starsOf(body: string): { single: number; double: number } {
  const names = body.split("/");
  const single = names.map((name) => name === "**" ? 0 : name.replace(/\\./g, "").match(/\*+/g)?.length ?? 0);
  return { single: Math.max(...single), double: names.filter((name) => name === "**").length };
}

/** Whether names can be made that `pattern` takes milliseconds for. */
export function isSlow(pattern: string): boolean {
  const { single, double } = starsOf(pattern);
  return single >= MAX_STARS_IN_NAME || double >= MAX_DOUBLE_STARS;
}

/** `pattern` as it would stand at the root to match what it matches in a folder `depth` names down. */
function deeper(body: string, depth: number): string {
  if (depth === 0) return body;
  // A slash in front or within ties a pattern to its folder. Any folder so far down does: only paths below the one
  // that is meant are ever asked about.
  const tied = /\/[^]/.test(body);
  return "/*".repeat(depth) + (tied ? "/" : "/**/") + body.replace(/^\//, "");
}

/**
 * What the library is told for `pattern` of a filter file that lies `depth` folders down: only the signs that
 * have a meaning stand for themselves. It goes wrong over escaped ones, over `[!a]`, and over line breaks in names.
 */
export function plainPattern(pattern: string, depth = 0): string {
  const not = pattern.startsWith("!") ? "!" : "";
  const body = pattern.slice(not.length);
  let text = "";
  for (let at = 0; at < body.length; at++) {
    const char = body[at];
    if (char === "\\") text += plainName(body[++at]);
    else if (char === "[") {
      const end = classEnd(body, at);
      text += plainClass(body.slice(at + 1, end));
      at = end;
    } else if (char === "*" || char === "?" || char === "/") text += char;
    // Spaces at the end count only where they are escaped.
    else if (char === " " && body.slice(at).trim() === "") break;
    else text += plainName(char);
  }
  text = text.split("/").map((name) => name === "**" ? name : name.replace(/\*{2,}/g, "*")).join("/")
    // Any folder below, and not that folder itself.
    .replace(/(^|\/)\*\*\/$/, "$1**/*/");
  return not + deeper(text, depth);
}

/** What stands between the brackets of a class, as a class of the characters that `plainName` makes. */
function plainClass(inner: string): string {
  const not = /^[!^]/.test(inner);
  const chars = [...(not ? inner.slice(1) : inner).matchAll(/\\?([^])/g)];
  const ranges: [from: number, to: number][] = [];
  for (let at = 0; at < chars.length; at++) {
    const ranged = chars[at + 1]?.[0] === "-" && chars[at + 2] !== undefined;
    const [from, to] = [chars[at], chars[ranged ? at += 2 : at]].map(([, char]) => char.charCodeAt(0));
    for (let code = from; code <= Math.min(to, 0x7f); code++) {
      const plain = plainName(String.fromCharCode(code)).charCodeAt(0);
      ranges.push([plain, plain]);
    }
    if (to > 0x7f) ranges.push([Math.max(from, 0x80), to]);
  }
  return classOf(not ? others(ranges) : ranges);
}

/** All that can stand in a plain name and not in `ranges`; the library does not know `[^a]`. */
function others(ranges: readonly [number, number][]): [number, number][] {
  let left: [number, number][] = [[0x30, 0x39], [0x41, 0x5a], [0x61, 0x7a], [0x80, 0xffff]];
  for (const [from, to] of ranges) {
    left = left.flatMap((
      [a, b],
    ): [number, number][] => [[a, Math.min(b, from - 1)], [Math.max(a, to + 1), b]])
      .filter(([a, b]) => a <= b);
  }
  return left;
}

/** A class that nothing can be in, as `[z-a]`, becomes one of a character that no name has. */
function classOf(ranges: readonly [number, number][]): string {
  const text = ranges.filter(([from, to]) => from <= to)
    .map(([from, to]) => String.fromCharCode(from) + (from < to ? "-" + String.fromCharCode(to) : ""));
  return `[${text.length === 0 ? "/" : text.join("")}]`;
}

/** Where the signs of ASCII are put, so that no regular expression gives them a meaning: into private use. */
const STAND_IN = 0xe000;

/** `name`, or a path, as `plainPattern` spells it. */
export function plainName(name: string): string {
  return name.replace(/[\0-.:-@[-`{-\x7f]/g, (char) => String.fromCharCode(STAND_IN + char.charCodeAt(0)))
    .replace(
      /[\u2028\u2029\ufeff]/g,
      (char) => String.fromCharCode(STAND_IN + 0x80 + char.charCodeAt(0) % 0x80),
    );
}
