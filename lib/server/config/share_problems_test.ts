import { assertEquals } from "@std/assert";
import { type PlacedShare, shareProblems } from "./share_problems.ts";

const share = (root: string, path: string, ...hosts: string[]): Omit<PlacedShare, "number"> => ({
  root,
  mount: { path, hosts },
});

Deno.test("shareProblems() finds what two shares must not have with each other", () => {
  const cases: [about: string, shares: Omit<PlacedShare, "number">[], problems: string[]][] = [
    ["one", [share("/a", "")], []],
    ["two beside each other", [share("/a", "a"), share("/b", "b")], []],
    ["names that begin alike", [share("/a", "a"), share("/b", "ab")], []],
    ["two hosts", [share("/a", "", "a"), share("/b", "", "b"), share("/c", "")], []],
    ["one below another", [share("/a", ""), share("/b", "b/c")], []],
    ["folders in each other", [share("/a", "a"), share("/a/b", "b")], []],
    ["one place twice", [share("/a", "x"), share("/b", "x")], ["2 path puts it at /x, where share 1 is"]],
    ["one host twice", [share("/a", "", "h", "g"), share("/b", "", "i", "h")], [
      "2 host puts it at / on h, where share 1 is",
    ]],
    ["one folder twice", [share("/a", "x"), share("/a", "y")], [
      "2 folder is the folder of share 1 already; give that one several hosts instead",
    ]],
    ["in the state of another", [share("/a", "x"), share("/a/.ferry/trash", "y")], [
      "2 folder lies in a .ferry folder, Ferry's own state, which is never shared",
    ]],
    ["over a folder that is there", [share("/taken", "")], []],
    ["over a folder that is there", [share("/b", "in/taken"), share("/a", "in")], [
      "1 path /in/taken hides what share 2 has there, /a/taken",
    ]],
    ["over one on another host", [share("/b", "in/taken", "h"), share("/a", "in")], []],
  ];
  for (const [about, shares, problems] of cases) {
    const found = shareProblems(
      shares.map((share, i) => ({ ...share, number: i + 1 })),
      (path) => path.endsWith("/taken"),
    );
    assertEquals(found.map(({ share, key, message }) => `${share + 1} ${key} ${message}`), problems, about);
  }
});
