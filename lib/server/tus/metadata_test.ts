import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { FerryError } from "../../core/errors.ts";
import { pathProblem } from "../../core/paths.ts";
import { parseMetadata, readMtime, targetPath } from "./metadata.ts";

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

function field(pairs: Record<string, string>): string {
  return Object.entries(pairs).map(([key, value]) => `${key} ${base64(value)}`).join(",");
}

Deno.test("targetPath() takes the name from filename, name or relativePath, and folders from that one alone", () => {
  const cases: [folder: string, pairs: Record<string, string>, path: string][] = [
    ["", { filename: "a.txt" }, "a.txt"],
    ["in box", { filename: "ä b.txt" }, "in box/ä b.txt"],
    ["a/b", { name: "c", type: "text/plain" }, "a/b/c"],
    ["", { name: "c", filename: "d" }, "d"],
    ["x", { relativePath: "sub/deep/f.txt" }, "x/sub/deep/f.txt"],
    ["x", { relativePath: "/sub/old.txt", filename: "new.txt" }, "x/sub/new.txt"],
    // What a library makes of a value that is not there.
    ["x", { relativePath: "null", filename: "f" }, "x/f"],
    ["x", { relativePath: "", filename: "f" }, "x/f"],
  ];
  for (const [folder, pairs, path] of cases) {
    assertEquals(targetPath(folder, parseMetadata(field(pairs))), path, JSON.stringify(pairs));
  }
});

Deno.test("targetPath() refuses what is no name", () => {
  const wrong: Record<string, string>[] = [
    {},
    { type: "text/plain" },
    { filename: "" },
    { filename: "a/b" },
    { filename: ".." },
    { filename: ".ferry" },
    { filename: "a\0b" },
    { filename: "n".repeat(256) },
    { relativePath: "../x" },
    { relativePath: "a//b" },
    { relativePath: "a/" },
    { relativePath: ".ferry/tus/x" },
    { relativePath: "//etc/passwd" },
  ];
  for (const pairs of wrong) {
    assertThrows(() => targetPath("", parseMetadata(field(pairs))), FerryError);
  }
  assertThrows(() => targetPath("", parseMetadata(`filename ${btoa("\xff")}`)), FerryError, "UTF-8");
});

Deno.test("targetPath() gives paths below its folder, whatever a client says", () => {
  fc.assert(fc.property(
    fc.dictionary(fc.constantFrom("filename", "name", "relativePath"), fc.string({ unit: "binary" })),
    (pairs) => {
      try {
        const path = targetPath("in/box", parseMetadata(field(pairs)));
        assert(path.startsWith("in/box/") && pathProblem(path) === null, path);
      } catch (error) {
        assert(error instanceof FerryError && error.code === "bad_request", String(error));
      }
    },
  ));
});

Deno.test("parseMetadata() reads pairs and keys alone, and refuses what is malformed or too much", () => {
  assertEquals([...parseMetadata("a YQ==, b,c ")], [["a", "YQ=="], ["b", ""], ["c", ""]]);
  assertEquals(parseMetadata(null).size, 0);
  const wrong = ["a YQ==,a YQ==", "a b c", "a *", ",", "a YQ==,", "ä YQ==", `a ${"A".repeat(8192)}`];
  wrong.push(Array.from({ length: 101 }, (_, i) => `k${i}`).join(","));
  for (const value of wrong) assertThrows(() => parseMetadata(value), FerryError, "Upload-Metadata");
});

Deno.test("readMtime() takes whole milliseconds", () => {
  assertEquals(readMtime(parseMetadata(field({ mtime: "1764000000123" }))), 1764000000123);
  assertEquals(readMtime(parseMetadata(field({ mtime: "-1" }))), -1);
  assertEquals(readMtime(parseMetadata(null)), null);
  for (const mtime of ["", "1.5", "yesterday", "9".repeat(15)]) {
    assertThrows(() => readMtime(parseMetadata(field({ mtime }))), FerryError, "mtime");
  }
});
