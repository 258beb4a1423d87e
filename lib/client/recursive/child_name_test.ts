import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { nameProblem } from "../../core/paths.ts";
import { childOf, samePlace } from "./child_name.ts";

const BASE = new URL("http://host:8080/pub/b%C3%BCro/");

Deno.test("childOf() takes what lies right in the folder", () => {
  const cases: [href: string, name: string, slash: boolean][] = [
    ["a.txt", "a.txt", false],
    ["./a.txt", "a.txt", false],
    ["folder/", "folder", true],
    ["./co:lon", "co:lon", false],
    ["%20lead", " lead", false],
    ["trail%20/", "trail ", true],
    ["100%25", "100%", false],
    ["%2570", "%70", false],
    ["a%2Bb", "a+b", false],
    ["a+b", "a+b", false],
    ["new%0aline", "new\nline", false],
    ["%F0%9F%98%80", "😀", false],
    ["ü", "ü", false],
    ["-rf", "-rf", false],
    [".dot", ".dot", false],
    ["...", "...", false],
    ["..x", "..x", false],
    ["C=N;O=D", "C=N;O=D", false],
    ["%3FC=N", "?C=N", false],
    ["/pub/b%C3%BCro/x", "x", false],
    ["/pub/b%c3%bcro/x", "x", false],
    ["/pub/./büro/../büro/x/", "x", true],
    ["//host:8080/pub/büro/x", "x", false],
    ["http://host:8080/pub/b%C3%BCro/x", "x", false],
    ["HTTP://HOST:8080/pub/b%C3%BCro/x", "x", false],
    ["x/../y", "y", false],
  ];
  for (const [href, name, slash] of cases) {
    assertEquals(childOf(href, BASE), { kind: "child", name, slash }, href);
  }
});

Deno.test("childOf() passes over what is somewhere else", () => {
  const hrefs = [
    "",
    "/",
    "./",
    "../",
    "..",
    "../x",
    "../../etc/passwd",
    "%2e%2e/",
    "%2E%2e",
    ".%2e/x",
    "/pub/",
    "/pub/büro",
    "/pub/b%C3%BCro/",
    "/pub/BÜRO/x",
    "/pub/other/x",
    "/etc/passwd",
    "a/b",
    "a//",
    "/pub/b%C3%BCro//x",
    "a/../../x",
    "?C=N;O=D",
    "x?download=zip",
    "#top",
    "x#part",
    "http://host/pub/b%C3%BCro/x",
    "https://host:8080/pub/b%C3%BCro/x",
    "http://evil/pub/b%C3%BCro/x",
    "http://me:geheim@host:8080/pub/b%C3%BCro/x",
    "//evil/pub/b%C3%BCro/x",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "mailto:a@b",
    "co:lon",
    "data:,x",
    "http://[bad",
    ".ferry",
    ".ferry/",
    "%2eferry/",
  ];
  for (const href of hrefs) assertEquals(childOf(href, BASE), { kind: "other" }, href);
});

Deno.test("childOf() refuses names that cannot be written", () => {
  const cases: [href: string, why: string][] = [
    ["%2e%2e%2fetc", "an encoded slash, backslash or NUL byte"],
    ["..%2F", "an encoded slash, backslash or NUL byte"],
    ["a%2fb", "an encoded slash, backslash or NUL byte"],
    ["a%5Cb", "an encoded slash, backslash or NUL byte"],
    ["a%00", "an encoded slash, backslash or NUL byte"],
    ["..\\x", "a character that no URL has"],
    ["a\nb", "a character that no URL has"],
    ["%E9", "not valid UTF-8"],
    ["%ff/", "not valid UTF-8"],
    ["%", "not valid UTF-8"],
    ["x".repeat(256), "a name over 255 bytes"],
    ["%C3%A9".repeat(128), "a name over 255 bytes"],
    ["a.iso.ferry-part", "a name that ferry gives to what is not whole yet"],
    ["a.ferry-part.json", "a name that ferry gives to what is not whole yet"],
  ];
  for (const [href, why] of cases) {
    const child = childOf(href, BASE);
    assertEquals([child.kind, child.kind === "refused" && child.why], ["refused", why], href);
  }
});

Deno.test("childOf() never gives a name that is more than a name", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      "..",
      ".",
      "/",
      "\\",
      "%2e",
      "%2F",
      "%5c",
      "%00",
      "//",
      "?",
      "#",
      ":",
      "http:",
      "host:8080",
    ),
    fc.constantFrom("pub", "b%C3%BCro", ".ferry", "%", "\t", "\n", " "),
    fc.string({ unit: "binary", maxLength: 4 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const child = childOf(pieces.join(""), BASE);
      if (child.kind !== "child") return;
      assertEquals(nameProblem(child.name), null);
      assert(!child.name.includes("\\") && child.name !== ".ferry");
    }),
    { numRuns: 500 },
  );
});

Deno.test("samePlace() compares paths, not spellings", () => {
  const same = (one: string, other: string) => samePlace(new URL(one), new URL(other));
  assert(same("http://h/a%20b/", "http://h/%61%20b/?x"));
  assert(!same("http://h/a", "http://h/a/"));
  assert(!same("http://h/a%2fb/", "http://h/a/b/"));
});
