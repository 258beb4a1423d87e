import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Entry } from "../core/entry.ts";
import { parentPath } from "../core/paths.ts";
import { Filter } from "./filter.ts";
import { patternProblem } from "./pattern.ts";

const DIR: Entry = { kind: "dir", mtime: 0, mode: 0o755 };
const FILE: Entry = { kind: "file", size: 0, mtime: 0, mode: 0o644 };

/** The paths that are visible; a slash at the end makes a folder. Rules of a folder are given by its path. */
function visible(
  paths: readonly string[],
  rules: Readonly<Record<string, string>>,
  patterns: readonly string[] = [],
) {
  const filter = new Filter(patterns);
  const shown = new Set([""]);
  if (rules[""] !== undefined) assertEquals(filter.addFile("", rules[""]), null);
  for (const given of paths) {
    const path = given.replace(/\/$/, "");
    if (!shown.has(parentPath(path)) || filter.hides(path, path === given ? FILE : DIR)) continue;
    shown.add(path);
    if (rules[path] !== undefined) assertEquals(filter.addFile(path, rules[path]), null);
  }
  shown.delete("");
  return [...shown];
}

Deno.test("Filter.hides() goes by the patterns of the folders, the inner ones first", () => {
  const paths = ["a.log", "b.txt", "d/", "d/a.log", "d/b.txt", "d/e/", "d/e/a.log", "d/e/b.txt"];
  const cases: [Record<string, string>, string[], string][] = [
    [{}, [], "a.log b.txt d d/a.log d/b.txt d/e d/e/a.log d/e/b.txt"],
    [{ "": "*.log" }, [], "b.txt d d/b.txt d/e d/e/b.txt"],
    [{ "": "/*.log" }, [], "b.txt d d/a.log d/b.txt d/e d/e/a.log d/e/b.txt"],
    [{ "": "*.log", d: "!*.log" }, [], "b.txt d d/a.log d/b.txt d/e d/e/a.log d/e/b.txt"],
    [{ "": "*.log", d: "!/*.log\ne/b.txt" }, [], "b.txt d d/a.log d/b.txt d/e"],
    [{ "": "*.log", "d/e": "!a.log" }, [], "b.txt d d/b.txt d/e d/e/a.log d/e/b.txt"],
    [{ d: "/b.txt" }, [], "a.log b.txt d d/a.log d/e d/e/a.log d/e/b.txt"],
    [{ d: "e/" }, [], "a.log b.txt d d/a.log d/b.txt"],
    // What lies in a folder that is left out cannot be taken back.
    [{ "": "d/\n!d/b.txt" }, ["!d/b.txt"], "a.log b.txt"],
    // The command line wins.
    [{ "": "*.log", d: "!*.log" }, ["*.log"], "b.txt d d/b.txt d/e d/e/b.txt"],
    [{ "": "*.log\nd/" }, ["!/d/"], "b.txt d d/b.txt d/e d/e/b.txt"],
    [{ d: "*" }, ["!a.log"], "a.log b.txt d d/a.log"],
    [{}, ["*", "!*/", "!*.txt"], "b.txt d d/b.txt d/e d/e/b.txt"],
    [{}, ["/d/e/b.txt"], "a.log b.txt d d/a.log d/b.txt d/e d/e/a.log"],
  ];
  for (const [rules, patterns, expected] of cases) {
    const name = JSON.stringify([rules, patterns]);
    assertEquals([name, visible(paths, rules, patterns).join(" ")], [name, expected]);
  }
});

Deno.test("Filter.hides() takes signs in names and patterns for what they are", () => {
  const cases: [pattern: string, name: string, hidden: boolean][] = [
    ["\\*", "anything", false],
    ["\\*", "*", true],
    ["a\\*b", "axb", false],
    ["a\\*b", "a*b", true],
    ["*\\?", "what?", true],
    ["*\\?", "what!", false],
    ["\\#x", "#x", true],
    ["\\!x", "!x", true],
    ["a.b", "axb", false],
    ["a+(b|c)$^{d}", "a+(b|c)$^{d}", true],
    ["[!a]", "a", false],
    ["[!a]", "b", true],
    ["[^a]", "^", true],
    ["[]-]", "]", true],
    ["[A-z]", "_", true],
    ["[z-a]", "m", false],
    ["*.log", "new\nline.log", true],
    ["a?b", "a\nb", true],
    ["tail\\ ", "tail ", true],
    ["tail ", "tail", true],
    ["back\\\\slash", "back\\slash", true],
    ["*", "...", true],
    ["..*", "..two dots", true],
    ["CASE", "case", false],
    ["é*", "éa", true],
    ["?", "é", true],
    ["\ufeffbom", "bom", false],
  ];
  for (const [pattern, name, hidden] of cases) {
    const filter = new Filter([pattern]);
    assertEquals([pattern, name, filter.hides(name, FILE)], [pattern, name, hidden]);
    assertEquals(
      [pattern, name, filter.hides(`d\n/${name}`, FILE)],
      [pattern, `d/${name}`, hidden].with(1, name),
    );
  }
});

Deno.test("Filter.hides() leaves out a problem by patterns for files and for folders", () => {
  const problem: Entry = { kind: "problem", code: "unreadable", message: "" };
  assert(new Filter(["x/"]).hides("x", problem));
  assert(new Filter(["x"]).hides("x", problem));
  assert(!new Filter(["x/"]).hides("x", FILE));
});

Deno.test("Filter.addFile() refuses a file that it cannot use, and names the line", () => {
  const filter = new Filter();
  assertEquals(filter.addFile("", "a\n\n[b\n"), "line 3: a [ that is never closed");
  assert(!filter.hides("a", FILE), "nothing of it holds");
  assert(filter.addFile("", "a\n".repeat(1001))?.includes("1000 patterns"));
  assert(filter.addFile("", "*a*b*c\n".repeat(21))?.includes("three stars"));
  for (let depth = 1, path = "d";; depth++, path += "/d") {
    const trouble = filter.addFile(path, "a\n".repeat(900));
    if (trouble === null) continue;
    assert(trouble.includes("4000") && depth === 5, trouble);
    break;
  }
});

Deno.test("Filter.hides() ends in time for names and patterns that were made to be slow", () => {
  const name = "a".repeat(255);
  const path = Array(3).fill(name).join("/");
  const deep = Array(200).fill("a").join("/");
  for (
    const pattern of ["*a*a*b", "**/*a*a*b", "**/a/**/b", "a*a*a*b/", "a/**/*a*/**/b", "[a-z]*[a-z]*[a-z]*b"]
  ) {
    assertEquals(patternProblem(pattern), null);
    // Exponential work would not end at all.
    assert(!new Filter([pattern]).hides(path, FILE));
    assert(!new Filter([pattern]).hides(deep, FILE));
  }
});

function git(args: string[], stdin = ""): string | null {
  try {
    const file = Deno.makeTempFileSync();
    Deno.writeTextFileSync(file, stdin);
    const { stdout } = new Deno.Command("sh", { args: ["-c", `git "$@" < ${file}`, "git", ...args] })
      .outputSync();
    Deno.removeSync(file);
    return new TextDecoder().decode(stdout);
  } catch {
    return null;
  }
}

const NAMES = ["a", "b", "ab", "a b", "[x]", "a*", "!n", "#h", "new\nline", "...", "a?", "c]", "x-y", "a\\b"];
const PATTERNS = [
  ..."a *  a* *b /a a/ /a/ a/b **/a a/** a/**/b */b ? a? [ab] [!a] [^a] [a-c]b !a !*b !/a/ !b/ \\#h \\!n"
    .split(/ +/),
  ..."\\[x] [[]x] a\\* \\* a\\ b *.* !a/** ** /**/a a/* !a/* /* !/*/ *\\? ..* x-* *-* *a* []] [!]a] c[]] b/**/ **/ a/**/b/"
    .split(
      " ",
    ),
];

Deno.test("Filter.hides() agrees with git on trees with filter files at any depth", () => {
  if (!git(["--version"])?.startsWith("git version")) return console.log("skipped: no git");
  const rules = fc.option(fc.array(fc.constantFrom(...PATTERNS), { minLength: 1, maxLength: 4 }), {
    freq: 2,
  });
  const folder = fc.record({
    rules,
    names: fc.uniqueArray(fc.constantFrom(...NAMES), { maxLength: 4 }),
  });
  fc.assert(
    fc.property(fc.array(folder, { minLength: 12, maxLength: 12 }), (folders) => {
      const root = Deno.makeTempDirSync();
      try {
        const paths: string[] = [];
        const texts: Record<string, string> = {};
        // The folders of the list become those of a tree, breadth first.
        const waiting = [""];
        for (const { rules, names } of folders) {
          const dir = waiting.shift();
          if (dir === undefined) break;
          if (rules !== null) {
            texts[dir] = rules.filter((pattern) => patternProblem(pattern) === null).join("\n");
          }
          if (rules !== null) Deno.writeTextFileSync(`${root}/${dir}/.gitignore`, texts[dir]);
          names.forEach((name, index) => {
            const path = dir === "" ? name : `${dir}/${name}`;
            if (index % 2 === 0) {
              Deno.mkdirSync(`${root}/${path}`);
              waiting.push(path);
              paths.push(path + "/");
            } else {
              Deno.writeTextFileSync(`${root}/${path}`, "");
              paths.push(path);
            }
          });
        }
        git(["init", "-q", root]);
        const bare = paths.map((path) => path.replace(/\/$/, ""));
        const ignored = git(
          ["-C", root, "check-ignore", "--no-index", "-z", "--stdin"],
          bare.join("\0") + "\0",
        )!;
        const hidden = new Set(ignored.split("\0"));
        assertEquals(visible(paths, texts), bare.filter((path) => !hidden.has(path)));
      } finally {
        Deno.removeSync(root, { recursive: true });
      }
    }),
    { numRuns: 25 },
  );
});
