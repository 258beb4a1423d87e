import { assertEquals } from "@std/assert";
import { parseFileList, parsePaths } from "./file_list.ts";
import { MAX_PACK_FILES } from "./limits.ts";
import { refusals } from "./refusals.ts";

Deno.test("parseFileList() takes paths below a root, not too many", () => {
  assertEquals(parseFileList({ files: ["a", "b/c d", "back\\slash"] }, MAX_PACK_FILES), [
    "a",
    "b/c d",
    "back\\slash",
  ]);
  assertEquals(parseFileList({ files: [] }, MAX_PACK_FILES), []);
  assertEquals(
    parseFileList({ files: Array(MAX_PACK_FILES).fill("a") }, MAX_PACK_FILES).length,
    MAX_PACK_FILES,
  );
  refusals((files: unknown) => parseFileList({ files }, MAX_PACK_FILES), [
    ["no list", undefined, "not a list"],
    ["text", "a", "not a list"],
    ["an object", { length: 1, 0: "a" }, "not a list"],
    ["too many", Array(MAX_PACK_FILES + 1).fill("a"), "more than"],
    ["a number", [1], "a path is missing"],
    ["the root", [""], "a path is missing"],
    ["null", [null], "a path is missing"],
    ["a dot segment", ["a/../b"], "a dot segment"],
    ["up", [".."], "a dot segment"],
    ["absolute", ["/etc/passwd"], "an empty name"],
    ["a slash at the end", ["a/"], "an empty name"],
    ["reserved", [".ferry/stage/x"], "a reserved name"],
    ["reserved, deep", ["a/.ferry"], "a reserved name"],
    ["NUL", ["a\0"], "a NUL byte"],
    ["a lone surrogate", ["\udfff"], "not valid Unicode"],
    ["too long a name", ["n".repeat(256)], "over 255 bytes"],
    ["too long a path", ["n/".repeat(3000) + "n"], "a path over"],
  ]);
});

Deno.test("parsePaths() takes paths with NUL between them, not too many", () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  assertEquals(parsePaths(bytes("\ufeffa\0b/c d\0ü")), ["\ufeffa", "b/c d", "ü"]);
  assertEquals(parsePaths(bytes(Array(MAX_PACK_FILES).fill("a").join("\0"))).length, MAX_PACK_FILES);
  refusals((given: unknown) => parsePaths(given as Uint8Array), [
    ["nothing", bytes(""), "a path is missing"],
    ["an empty path", bytes("a\0"), "a path is missing"],
    ["a way out", bytes("a\0../b"), "dot segment"],
    ["an absolute path", bytes("/a"), "empty name"],
    ["Ferry's own", bytes("a/.ferry/b"), "reserved name"],
    ["bytes that are not UTF-8", new Uint8Array([0x61, 0xff]), "not UTF-8"],
    ["one too many", bytes(Array(MAX_PACK_FILES + 1).fill("a").join("\0")), "more than"],
    ["more bytes than paths can have", new Uint8Array(5_000_000), "too long"],
  ]);
});
