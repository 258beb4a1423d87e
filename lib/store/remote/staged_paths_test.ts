import { assertEquals } from "@std/assert";
import type { Operation } from "../../wire/operation.ts";
import { StagedPaths } from "./staged_paths.ts";

const file = (stage: number, path: string, more: object = {}): Operation => (
  { op: "file", path, stage, mode: 0o644, mtime: 1000, expect: null, ...more }
);

Deno.test("StagedPaths shortens rows of new files that are placed as they were sent, and nothing else", () => {
  const content = new Uint8Array(0);
  const paths = ["a", "b", "c", "d", "e", "f", "g"];
  const staged = new StagedPaths();
  staged.staged(paths.map((_, index) => ({ kind: "file", index, mtime: 1000, mode: 0o644, content })), paths);
  staged.forget(6);
  const mkdir: Operation = { op: "mkdir", path: "x", mode: 0o755, expect: null };
  const others = [
    file(3, "d", { expect: { kind: "file", size: 1, mtime: 2 } }),
    file(4, "elsewhere"),
    file(5, "f", { mode: 0o600 }),
    file(6, "g"),
    file(7, "never sent"),
  ];
  assertEquals(staged.shorten([file(0, "a"), file(1, "b"), mkdir, file(2, "c"), ...others]), [
    { op: "files", stage: 0, count: 2 },
    mkdir,
    { op: "files", stage: 2, count: 1 },
    ...others,
  ]);
  // Each is told once.
  assertEquals(staged.shorten([file(0, "a")]), [file(0, "a")]);
});
