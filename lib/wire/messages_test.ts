import { assert, assertEquals, assertThrows } from "@std/assert";
import { FerryError } from "../core/errors.ts";
import { MAX_HASHED_FILES, MAX_OPERATIONS, MAX_PACK_FILES } from "./limits.ts";
import {
  isTime,
  linkTarget,
  type Operation,
  parseCommitRequest,
  parseHashesRequest,
  parseInfo,
  parseObject,
  parseOutcomes,
  parsePackRequest,
  problemOfJson,
} from "./messages.ts";

const INFO = { ferry: "0.1.0", protocol: 1, kind: "dir", permissions: "rw" };

/** What `read` throws for each input: its code and words. */
function refusals<T>(
  read: (input: T) => unknown,
  cases: readonly [label: string, input: T, text: string][],
): void {
  for (const [label, input, text] of cases) {
    const error = assertThrows(() => read(input), FerryError);
    assert(["protocol", "bad_request"].includes(error.code), `${label}: ${error.code}`);
    assert(error.message.includes(text), `${label}: ${error.message}`);
  }
}

Deno.test("parseObject() reads text and bytes, and refuses all but an object", () => {
  assertEquals(parseObject('{"a":1}'), { a: 1 });
  assertEquals(parseObject(new TextEncoder().encode('{"é":null}')), { "é": null });
  refusals(parseObject, [
    ["empty", "", "not JSON"],
    ["HTML", "<!doctype html>", "not JSON"],
    ["cut off", '{"a":', "not JSON"],
    ["bytes that are not UTF-8", new Uint8Array([0x22, 0xff, 0x22]), "not JSON"],
    ["null", "null", "not an object"],
    ["a list", "[{}]", "not an object"],
    ["a number", "1", "not an object"],
    ["brackets without end", "[".repeat(1_000_000), "nested more than 8 deep"],
    ["brackets side by side", `{"a":[${"[],".repeat(300_000)}[]]}`, "more than 262144 values"],
  ]);
});

Deno.test("parseInfo() takes what a server says of itself, and nothing else", () => {
  assertEquals(parseInfo({ ...INFO, more: "of a later version" }), INFO as never);
  assertEquals(parseInfo({ ...INFO, protocol: 7 }).protocol, 7);
  refusals(parseInfo, [
    ["an unknown kind", { ...INFO, kind: "socket" }, '"kind"'],
    ["no kind", { ...INFO, kind: undefined }, '"kind"'],
    ["no version", { ...INFO, protocol: undefined }, '"protocol"'],
    ["half a version", { ...INFO, protocol: 1.5 }, '"protocol"'],
    ["a version as text", { ...INFO, protocol: "1" }, '"protocol"'],
    ["permissions as a list", { ...INFO, permissions: ["r"] }, '"permissions"'],
    ["long permissions", { ...INFO, permissions: "r".repeat(11) }, '"permissions"'],
    ["a long name", { ...INFO, ferry: "x".repeat(101) }, '"ferry"'],
  ]);
});

Deno.test("parsePackRequest() takes paths below a root, not too many", () => {
  assertEquals(parsePackRequest({ files: ["a", "b/c d", "back\\slash"] }).files, [
    "a",
    "b/c d",
    "back\\slash",
  ]);
  assertEquals(parsePackRequest({ files: [] }).files, []);
  assertEquals(parsePackRequest({ files: Array(MAX_PACK_FILES).fill("a") }).files.length, MAX_PACK_FILES);
  refusals((files: unknown) => parsePackRequest({ files }), [
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

const GOOD: Operation[] = [
  { op: "mkdir", path: "d", mode: 0o755, expect: null },
  { op: "file", path: "d/f", stage: 0, mode: 0o644, mtime: -1, expect: { kind: "file", size: 0, mtime: 5 } },
  { op: "symlink", path: "l", target: "../../anywhere", mtime: 0, expect: { kind: "symlink", target: "x" } },
  { op: "meta", path: "d", mode: 0, mtime: undefined, expect: { kind: "dir" } },
  { op: "meta", path: "f", mode: undefined, mtime: 7, expect: { kind: "file", size: 1, mtime: 1 } },
  { op: "delete", path: "x", expect: { kind: "dir" } },
  { op: "keep", path: "f", stage: 3, sha256: "0f".repeat(32), expect: { kind: "file", size: 1, mtime: 1 } },
  {
    op: "move",
    path: "b",
    from: "a",
    mode: 0o644,
    mtime: 5,
    expect: { kind: "dir" },
    expectFrom: { kind: "file", size: 1, mtime: 1 },
  },
  { op: "move", path: "c", from: "d", expect: null, expectFrom: { kind: "dir", digest: "a0".repeat(32) } },
];

Deno.test("parseCommitRequest() takes every operation as it was sent", () => {
  const sent = JSON.stringify({ key: "k", operations: GOOD });
  assertEquals(parseCommitRequest(parseObject(sent)), { key: "k", operations: GOOD });
  assertEquals(parseCommitRequest({ key: "", operations: [] }), { key: "", operations: [] });
});

Deno.test("parseCommitRequest() refuses what does not fit, before anything is done", () => {
  const [mkdir, file, symlink, meta, , remove, keep, move, moveFolder] = GOOD;
  refusals((operation: unknown) => parseCommitRequest({ key: "k", operations: [mkdir, operation] }), [
    ["null", null, "not an object"],
    ["text", "delete", "not an object"],
    ["a list", [], "a path is missing"],
    ["no path", { ...mkdir, path: undefined }, "a path is missing"],
    ["the root", { ...remove, path: "" }, "a path is missing"],
    ["up", { ...file, path: "../x" }, "a dot segment"],
    ["absolute", { ...file, path: "/etc/cron.d/x" }, "an empty name"],
    ["reserved", { ...file, path: ".ferry/index" }, "a reserved name"],
    ["an unknown operation", { op: "chown", path: "a", expect: null }, "unknown operation"],
    ["an operation of Object", { op: "constructor", path: "a", expect: null }, "unknown operation"],
    ["no operation", { path: "a", expect: null }, "unknown operation"],
    ["no expectation", { ...mkdir, expect: undefined }, '"expect"'],
    ["an expectation of text", { ...mkdir, expect: "dir" }, '"expect"'],
    ["an expectation of an unknown kind", { ...mkdir, expect: { kind: "problem" } }, '"expect"'],
    ["an expected file without a size", { ...remove, expect: { kind: "file", mtime: 1 } }, '"size"'],
    ["an expected link without a target", { ...remove, expect: { kind: "symlink" } }, "link target"],
    ["set-user-id", { ...mkdir, mode: 0o4755 }, '"mode"'],
    ["a negative mode", { ...mkdir, mode: -1 }, '"mode"'],
    ["no mode", { ...file, mode: undefined }, '"mode"'],
    ["a negative stage", { ...file, stage: -1 }, '"stage"'],
    ["a stage past 32 bits", { ...file, stage: 2 ** 32 }, '"stage"'],
    ["a stage that is a path", { ...file, stage: "../../etc/passwd" }, '"stage"'],
    ["half a millisecond", { ...file, mtime: 0.5 }, '"mtime"'],
    ["no time", { ...symlink, mtime: undefined }, '"mtime"'],
    ["a time past all", { ...symlink, mtime: 2 ** 48 }, '"mtime"'],
    ["an empty target", { ...symlink, target: "" }, "link target"],
    ["a target with NUL", { ...symlink, target: "a\0b" }, "link target"],
    ["meta on a link", { ...meta, expect: { kind: "symlink", target: "x" } }, "files and folders"],
    ["meta on nothing", { ...meta, expect: null }, "files and folders"],
    ["meta with a wrong mode", { ...meta, mode: 0o1777 }, '"mode"'],
    ["meta with a wrong time", { ...meta, mtime: "now" }, '"mtime"'],
    ["keep of nothing", { ...keep, expect: null }, "for files"],
    ["keep of a folder", { ...keep, expect: { kind: "dir" } }, "for files"],
    ["keep without a digest", { ...keep, sha256: undefined }, '"sha256"'],
    ["keep with a digest in capitals", { ...keep, sha256: "0F".repeat(32) }, '"sha256"'],
    ["keep without a number", { ...keep, stage: undefined }, '"stage"'],
    ["a move from up", { ...move, from: "../a" }, "a dot segment"],
    ["a move from Ferry's own state", { ...move, from: ".ferry/stage/x" }, "a reserved name"],
    ["a move from nowhere", { ...move, from: undefined }, "a path is missing"],
    ["a move to itself", { ...move, from: "b" }, "into itself"],
    ["a move into itself", { ...moveFolder, from: "c", path: "c/d" }, "into itself"],
    ["a move out of what it replaces", { ...move, from: "b/f" }, "into itself"],
    ["a move without a version", { ...move, expectFrom: undefined }, '"expectFrom"'],
    ["a move of nothing", { ...move, expectFrom: null }, '"expectFrom"'],
    ["a move of a link", { ...move, expectFrom: { kind: "symlink", target: "x" } }, '"expectFrom"'],
    ["a move of a file without a mode", { ...move, mode: undefined }, '"mode"'],
    ["a move of a file without a time", { ...move, mtime: undefined }, '"mtime"'],
    ["a move of a folder without a digest", { ...moveFolder, expectFrom: { kind: "dir" } }, '"digest"'],
    ["a move of a folder over something", { ...moveFolder, expect: { kind: "dir" } }, "where nothing is"],
  ]);
  refusals(parseCommitRequest, [
    ["no key", { operations: [] }, '"key"'],
    ["a long key", { key: "k".repeat(65), operations: [] }, '"key"'],
    ["no operations", { key: "k" }, "not a list"],
    ["too many", { key: "k", operations: Array(MAX_OPERATIONS + 1).fill(mkdir) }, "more than"],
  ]);
});

Deno.test("parseOutcomes() wants one outcome for each thing sent", () => {
  const problem = { code: "conflict", message: "it changed" } as const;
  assertEquals(parseOutcomes({ outcomes: [null, problem] }, 2), [null, problem]);
  refusals((outcomes: unknown) => parseOutcomes({ outcomes }, 2), [
    ["none", undefined, "not a list"],
    ["too few", [null], "2 outcomes were due, 1 came"],
    ["too many", [null, null, null], "2 outcomes were due, 3 came"],
    ["text", [null, "fine"], "neither null nor a problem"],
    ["true", [null, true], "neither null nor a problem"],
  ]);
});

Deno.test("problemOfJson() bounds what a peer says and never shows a code that scripts do not know", () => {
  assertEquals(problemOfJson('{"code":"vanished","message":"m"}'), { code: "vanished", message: "m" });
  const cases: [Record<string, unknown>, { code: string; message: string }][] = [
    [{ code: "constructor", message: "m" }, { code: "unreadable", message: "m" }],
    [{ code: 7, message: 7 }, { code: "unreadable", message: "no reason given" }],
    [{}, { code: "unreadable", message: "no reason given" }],
    [{ code: "changed", message: "x".repeat(5000) }, { code: "changed", message: "x".repeat(1000) }],
  ];
  for (const [fields, expected] of cases) assertEquals(problemOfJson(fields), expected as never);
});

Deno.test("linkTarget() takes what symlink(2) takes", () => {
  for (const target of ["a", "/", "../..", "a b\n", "x".repeat(4095), "é"]) {
    assertEquals(linkTarget(target), target);
  }
  refusals(linkTarget, [["a surrogate", "\ud800", "link target"], ["a number", 1, "link target"]]);
});

Deno.test("isTime() holds what a Date and a file system can hold", () => {
  assertEquals([0, -1, 2 ** 48 - 1, -(2 ** 48) + 1].map(isTime), [true, true, true, true]);
  assertEquals([2 ** 48, NaN, Infinity, 0.5, "0", null, undefined].map(isTime), Array(7).fill(false));
});

Deno.test("parseHashesRequest() takes paths below a root, not too many", () => {
  assertEquals(parseHashesRequest({ files: ["a", "b/c d"] }).files, ["a", "b/c d"]);
  refusals((files: unknown) => parseHashesRequest({ files }), [
    ["no list", undefined, "not a list"],
    ["too many", Array(MAX_HASHED_FILES + 1).fill("a"), "more than"],
    ["up", ["../a"], "a dot segment"],
    ["reserved", [".ferry/stage/x"], "a reserved name"],
  ]);
});
