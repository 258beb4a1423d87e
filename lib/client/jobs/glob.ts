/** Globs in URLs, as curl has them: `[1-100]`, `[001-100:10]`, `[a-z]`, `{one,two}`. Pure. */
import { FerryError, quote } from "../../core/errors.ts";
import { hideUserinfo } from "../credentials/credentials.ts";

/** URLs that one pattern may stand for. */
const MAX_URLS = 10_000_000;

/** What stands for several texts, each of which is made when it is wanted. */
interface Choice {
  count: number;
  at(index: number): string;
}

/** A URL with globs in it. */
export interface Glob {
  /** URLs that it stands for. */
  count: number;
  /** How many choices there are in it. */
  choices: number;
  /** The URLs, the last choice changing fastest; each with what its choices are. */
  expand(): Generator<{ target: string; parts: string[] }>;
}

/**
 * Reads `pattern`. A backslash takes the meaning from one of `[]{},\` behind it. Throws `usage` that says how to write
 * it.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const urls = [...parseGlob("http://h/{a,b}[08-09]").expand()].map(({ target }) => target);
 * assertEquals(urls, ["http://h/a08", "http://h/a09", "http://h/b08", "http://h/b09"]);
 * ```
 */
export function parseGlob(pattern: string): Glob {
  const pieces: (string | Choice)[] = [];
  const fail = (why: string) =>
    new FerryError("usage", `${quote(hideUserinfo(pattern))}: ${why}; --no-glob takes the URL as it is`);
  let text = ipv6Start(pattern);
  for (let at = text.length; at < pattern.length;) {
    const char = pattern[at];
    if (char === "\\" && isSpecial(pattern[at + 1])) {
      text += pattern[at + 1];
      at += 2;
    } else if (char === "[" && pattern[at + 1] !== "]") {
      const end = pattern.indexOf("]", at);
      if (end === -1) throw fail("a ] is missing");
      pieces.push(text, parseRange(pattern.slice(at + 1, end), fail));
      text = "";
      at = end + 1;
    } else if (char === "[") {
      // Nothing to choose from: as forms and queries have it, `a[]=1`.
      text += "[]";
      at += 2;
    } else if (char === "{") {
      const { choice, end } = parseSet(pattern, at + 1, fail);
      pieces.push(text, choice);
      text = "";
      at = end;
    } else if (char === "}" || char === "]") {
      throw fail(`there is no ${char === "}" ? "{" : "["} before the ${char}`);
    } else {
      text += char;
      at++;
    }
  }
  pieces.push(text);
  const choices = pieces.filter((piece) => typeof piece !== "string");
  const count = choices.reduce((product, choice) => product * choice.count, 1);
  if (count > MAX_URLS) throw fail(`it stands for more than ${MAX_URLS} URLs`);
  return { count, choices: choices.length, expand: () => expand(pieces, choices) };
}

function* expand(pieces: readonly (string | Choice)[], choices: readonly Choice[]) {
  const at = choices.map(() => 0);
  for (;;) {
    const parts = choices.map((choice, index) => choice.at(at[index]));
    let next = 0;
    const target = pieces.map((piece) => typeof piece === "string" ? piece : parts[next++]).join("");
    yield { target, parts };
    let turned = choices.length - 1;
    while (turned >= 0 && ++at[turned] === choices[turned].count) at[turned--] = 0;
    if (turned < 0) return;
  }
}

type Fail = (why: string) => FerryError;

/** What is between the brackets: `1-100`, `001-100`, `a-z`, each perhaps with a step, `:2`. */
function parseRange(text: string, fail: Fail): Choice {
  const shown = `[${quote(text)}]`;
  const match = /^(?:(\d{1,15})-(\d{1,15})|([a-z])-([a-z])|([A-Z])-([A-Z]))(?::(\d{1,15}))?$/.exec(text);
  if (match === null) throw fail(`${shown} is no range, as [1-100], [a-z] and [0-100:10] are`);
  const [, low, high, a, z, A, Z, by] = match;
  const step = Number(by ?? 1);
  const code = (letter: string) => letter.charCodeAt(0);
  const [from, to] = low === undefined ? [code(a ?? A), code(z ?? Z)] : [Number(low), Number(high)];
  if (to < from) throw fail(`${shown} goes backwards`);
  if (step === 0) throw fail(`${shown} does not go on: its step is 0`);
  const width = low?.startsWith("0") ? low.length : 1;
  return {
    count: Math.floor((to - from) / step) + 1,
    at: (index) => {
      const value = from + index * step;
      return low === undefined ? String.fromCharCode(value) : String(value).padStart(width, "0");
    },
  };
}

/** The texts up to the next brace, and where the pattern goes on behind that. */
function parseSet(pattern: string, start: number, fail: Fail): { choice: Choice; end: number } {
  const texts = [""];
  for (let at = start; at < pattern.length; at++) {
    const char = pattern[at];
    if (char === "}") {
      if (texts.length === 1 && texts[0] === "") throw fail("there is nothing in {}");
      return { choice: { count: texts.length, at: (index) => texts[index] }, end: at + 1 };
    }
    if (char === "{" || char === "[") throw fail(`there can be no ${char} inside of { }`);
    if (char === ",") texts.push("");
    else if (char === "\\" && isSpecial(pattern[at + 1])) texts[texts.length - 1] += pattern[++at];
    else texts[texts.length - 1] += char;
  }
  throw fail("a } is missing");
}

function isSpecial(char: string | undefined): boolean {
  return char !== undefined && "[]{},\\".includes(char);
}

/** The beginning of a URL whose host is an IPv6 address in brackets (RFC 3986 section 3.2.2), else nothing. */
function ipv6Start(pattern: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#[\]{}@]*@)?\[[0-9a-f.]*:[0-9a-f.:]*(?:%[^\]]*)?\]/i.exec(pattern)
    ?.[0] ?? "";
}
