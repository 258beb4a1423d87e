import { assert, assertEquals } from "@std/assert";
import { patternProblem, patternsOf } from "./pattern.ts";

Deno.test("patternsOf() gives what is neither blank nor a comment, with its line", () => {
  assertEquals(patternsOf("\ufeff# head\r\na\r\n\r\n  \n\\#b\n !c"), [
    { line: 2, pattern: "a" },
    { line: 5, pattern: "\\#b" },
    { line: 6, pattern: " !c" },
  ]);
});

Deno.test("patternProblem() takes what gitignore takes", () => {
  const good = [
    "a",
    "!a",
    "/a/**/b/",
    "*.tmp*",
    "[a-z]",
    "[!]]",
    "[]a]",
    "a\\ ",
    "a\\\\",
    "\\[",
    "trailing  ",
    "*a*b*",
    "**/*.*",
    "*/*/*/*/*/*",
    "a\\*\\*\\*\\*b",
  ];
  for (const pattern of good) assertEquals([pattern, patternProblem(pattern)], [pattern, null]);
});

Deno.test("patternProblem() says what is wrong with a pattern that nothing could be meant by", () => {
  const bad: Record<string, string> = {
    "": "names nothing",
    "!": "names nothing",
    "/": "names nothing",
    "!//": "names nothing",
    "a\\": "backslash at the end",
    "a\\\\\\": "backslash at the end",
    "[a": "never closed",
    "a[b/c]": "never closed",
    "[]": "never closed",
    "[[:alpha:]]": "not supported",
    "*a*b*c*d": "stars in one name",
    "**/a/**/b/**/c": "times **",
    "a\0": "NUL",
    "a\nb": "line break",
  };
  for (const [pattern, words] of Object.entries(bad)) {
    assert(
      patternProblem(pattern)?.includes(words),
      `${JSON.stringify(pattern)}: ${patternProblem(pattern)}`,
    );
  }
  assert(patternProblem("a".repeat(1001))?.includes("1000"));
});
