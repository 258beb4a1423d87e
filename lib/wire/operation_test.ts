import { assertEquals } from "@std/assert";
import { parseObject } from "./fields.ts";
import { MAX_OPERATIONS } from "./limits.ts";
import { linkTarget, type Operation, parseCommitRequest } from "./operation.ts";
import { refusals } from "./refusals.ts";

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

Deno.test("linkTarget() takes what symlink(2) takes", () => {
  for (const target of ["a", "/", "../..", "a b\n", "x".repeat(4095), "é"]) {
    assertEquals(linkTarget(target), target);
  }
  refusals(linkTarget, [["a surrogate", "\ud800", "link target"], ["a number", 1, "link target"]]);
});
