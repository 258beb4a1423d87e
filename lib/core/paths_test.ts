import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { FerryError } from "./errors.ts";
import {
  baseName,
  checkedPath,
  childPath,
  encodeSegment,
  isHidden,
  isWithin,
  joinRoot,
  MAX_PATH_BYTES,
  nameProblem,
  parentPath,
  parseUrlPath,
  pathProblem,
  toUrlPath,
} from "./paths.ts";

/** A text as the bytes of its UTF-8, a character a byte: how an HTTP parser hands over raw bytes. */
function raw(text: string): string {
  return Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join("");
}

Deno.test("parseUrlPath() reads what names a path", () => {
  const cases: [string, string, boolean][] = [
    ["/", "", true],
    ["/a", "a", false],
    ["/a/", "a", true],
    ["/a/b%20c", "a/b c", false],
    ["/a b", "a b", false],
    ["/%61%62", "ab", false],
    ["/%F0%9F%98%80", "😀", false],
    [raw("/é/😀"), "é/😀", false],
    ["/%EF%BB%BFbom", "\ufeffbom", false],
    ["/...", "...", false],
    ["/..a", "..a", false],
    ["/a..", "a..", false],
    ["/%2e%2e%2e", "...", false],
    ["/.hidden", ".hidden", false],
    ["/.ferry-part", ".ferry-part", false],
    ["/x.ferry/y", "x.ferry/y", false],
    ["/.FERRY", ".FERRY", false],
    ["/~%7E", "~~", false],
    ["/a%0ab", "a\nb", false],
    ["/a;v=1", "a;v=1", false],
    ["/" + "n".repeat(255), "n".repeat(255), false],
  ];
  for (const [input, path, slash] of cases) assertEquals(parseUrlPath(input), { path, slash }, input);
});

Deno.test("parseUrlPath() refuses what can only be an attack or a mistake", () => {
  const cases: [string, FerryError["code"]][] = [
    ["", "bad_request"],
    ["a", "bad_request"],
    ["*", "bad_request"],
    ["http://h/a", "bad_request"],
    ["//", "bad_request"],
    ["//a", "bad_request"],
    ["/a//b", "bad_request"],
    ["/a//", "bad_request"],
    ["/.", "bad_request"],
    ["/./", "bad_request"],
    ["/..", "bad_request"],
    ["/../x", "bad_request"],
    ["/a/../../x", "bad_request"],
    ["/a/..", "bad_request"],
    ["/%2e%2e/x", "bad_request"],
    ["/%2E%2E/x", "bad_request"],
    ["/.%2e/x", "bad_request"],
    ["/%2e", "bad_request"],
    ["/..%2fx", "bad_request"],
    ["/a%2Fb", "bad_request"],
    ["/a%5cb", "bad_request"],
    ["/a%5Cb", "bad_request"],
    ["/a#b", "bad_request"],
    ["/#", "bad_request"],
    ["/a\\b", "bad_request"],
    ["/..\\x", "bad_request"],
    ["/a%00", "bad_request"],
    ["/a\0b", "bad_request"],
    ["/%", "bad_request"],
    ["/%4", "bad_request"],
    ["/%zz", "bad_request"],
    ["/%+1", "bad_request"],
    ["/%-1", "bad_request"],
    ["/% 1", "bad_request"],
    ["/%u002e", "bad_request"],
    // Overlong forms of "/", "." and NUL, a surrogate, and a code point past the last one.
    ["/%c0%af", "bad_request"],
    ["/%c0%ae%c0%ae/x", "bad_request"],
    ["/%e0%80%ae", "bad_request"],
    ["/%c0%80", "bad_request"],
    ["/%ed%a0%80", "bad_request"],
    ["/%f4%90%80%80", "bad_request"],
    ["/%ff", "bad_request"],
    ["/%e9", "bad_request"],
    ["/caf\xe9", "bad_request"],
    ["/\xc0\xae\xc0\xae/x", "bad_request"],
    ["/é€", "bad_request"],
    ["/" + "n".repeat(256), "bad_request"],
    ["/" + "%C3%A9".repeat(128), "bad_request"],
    ["/" + "abcdefghi/".repeat(500) + "x", "bad_request"],
    ["/.ferry", "not_found"],
    ["/.ferry/", "not_found"],
    ["/.ferry/stage/x", "not_found"],
    ["/a/.ferry/b", "not_found"],
    ["/%2eferry", "not_found"],
    ["/.f%65rry/v1/info", "not_found"],
  ];
  for (const [input, code] of cases) {
    const error = assertThrows(() => parseUrlPath(input), FerryError);
    assertEquals([input, error.code], [input, code]);
  }
});

Deno.test("parseUrlPath() gives back what toUrlPath() was given, for every list of names a URL may name", () => {
  const name = fc.string({ unit: "binary", minLength: 1, maxLength: 60 })
    .filter((text) => nameProblem(text) === null && !text.includes("\\"));
  fc.assert(fc.property(fc.array(name, { maxLength: 6 }), fc.boolean(), (names, slash) => {
    const path = names.join("/");
    const url = toUrlPath(path, slash);
    assert(/^[\x21-\x7e]*$/.test(url), url);
    assertEquals(parseUrlPath(url), { path, slash: slash || path === "" });
    // WHATWG's parser, between a client and us, must not find anything to normalise.
    assertEquals(new URL(url, "http://h").pathname, url);
  }));
});

Deno.test("parseUrlPath() never gives a path that is not below the root, whatever comes in", () => {
  const piece = fc.constantFrom(
    "/",
    ".",
    "..",
    "%2e",
    "%2f",
    "%5c",
    "\\",
    "%00",
    "a",
    "%c0%ae",
    ".ferry",
    "%",
    "é",
  );
  fc.assert(fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
    let path: string;
    try {
      ({ path } = parseUrlPath("/" + pieces.join("")));
    } catch (error) {
      assert(error instanceof FerryError);
      return;
    }
    assertEquals(pathProblem(path), null);
  }));
});

Deno.test("pathProblem() says why a path is none", () => {
  const cases: [string, string | null][] = [
    ["", null],
    ["a", null],
    ["a/b c/😀", null],
    ["back\\slash", null],
    ["a\nb", null],
    ["...", null],
    ["/a", "an empty name"],
    ["a/", "an empty name"],
    ["a//b", "an empty name"],
    [".", "a dot segment"],
    ["a/..", "a dot segment"],
    ["../a", "a dot segment"],
    [".ferry", "a reserved name"],
    ["a/.ferry/b", "a reserved name"],
    ["a\0", "a NUL byte"],
    ["\ud800", "not valid Unicode"],
    ["é".repeat(127), null],
    ["é".repeat(128), "a name over 255 bytes"],
    ["n".repeat(255), null],
    ["n".repeat(256), "a name over 255 bytes"],
    ["a/".repeat(1999) + "ab", null],
    ["a/".repeat(2000) + "a", `a path over ${MAX_PATH_BYTES} bytes`],
  ];
  for (const [path, problem] of cases) assertEquals([path, pathProblem(path)], [path, problem]);
});

Deno.test("nameProblem() refuses a slash, which a path would split at", () => {
  assertEquals(nameProblem("a/b"), "a slash in a name");
  assertEquals(nameProblem(""), "an empty name");
});

Deno.test("checkedPath() throws bad_request for what pathProblem() names", () => {
  assertEquals(checkedPath("a/b"), "a/b");
  const error = assertThrows(() => checkedPath("a/../b"), FerryError, "a dot segment");
  assertEquals(error.code, "bad_request");
});

Deno.test("encodeSegment() leaves nothing that a shell, a header or a listing could trip over", () => {
  assertEquals(encodeSegment("a b!'()*?#%"), "a%20b%21%27%28%29%2A%3F%23%25");
});

Deno.test("childPath(), parentPath() and baseName() take a path apart and put it together", () => {
  for (const path of ["a", "a/b", "a/b/c d"]) {
    assertEquals(childPath(parentPath(path), baseName(path)), path);
  }
  assertEquals([parentPath("a"), parentPath("a/b/c"), baseName("a/b/c")], ["", "a/b", "c"]);
});

Deno.test("isWithin() counts names, not characters", () => {
  const cases: [string, string, boolean][] = [
    ["a", "", true],
    ["a", "a", true],
    ["a/b", "a", true],
    ["ab", "a", false],
    ["a", "a/b", false],
  ];
  for (const [path, ancestor, within] of cases) assertEquals(isWithin(path, ancestor), within, path);
});

Deno.test("joinRoot() joins below any root", () => {
  assertEquals([joinRoot("/srv", ""), joinRoot("/srv", "a/b"), joinRoot("/", "a")], [
    "/srv",
    "/srv/a/b",
    "/a",
  ]);
});

Deno.test("isHidden() sees a dot at the start of any name", () => {
  assertEquals([".a", "a/.b/c", "a.b/c.", ""].map(isHidden), [true, true, false, false]);
});
