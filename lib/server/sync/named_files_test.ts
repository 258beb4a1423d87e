import { assertEquals, assertThrows } from "@std/assert";
import { FerryError } from "../../core/errors.ts";
import type { FileFrame } from "../../wire/pack.ts";
import { NamedFiles } from "./named_files.ts";

const frame = (index: number): FileFrame => (
  { kind: "file", index, mtime: 1000 + index, mode: 0o644, content: new Uint8Array(0) }
);
const file = (stage: number, path: string) => (
  { op: "file" as const, path, stage, mode: 0o644, mtime: 1000 + stage, expect: null }
);

Deno.test("NamedFiles gives an operation for each file of a row, among the others", () => {
  const named = new NamedFiles();
  named.staged([frame(7), frame(8), frame(9)], ["a", "b/c", "d"], [null, null, null]);
  const meta = { op: "meta" as const, path: "x", mode: 0o600, expect: { kind: "dir" as const } };
  assertEquals(
    named.expand([meta, { op: "files", stage: 7, count: 2 }, { op: "files", stage: 9, count: 1 }]),
    [
      meta,
      file(7, "a"),
      file(8, "b/c"),
      file(9, "d"),
    ],
  );
});

Deno.test("NamedFiles refuses files that were not staged, not with a path, or are done", () => {
  const named = new NamedFiles();
  named.staged([frame(0), frame(1), frame(2), frame(3)], ["a", "b", "c", "d"], [
    null,
    { code: "conflict", message: "" },
    null,
    null,
  ]);
  named.forget(2);
  named.done([file(3, "d")]);
  for (const stage of [1, 2, 3, 4]) {
    assertThrows(() => named.expand([{ op: "files", stage, count: 1 }]), FerryError, `file ${stage} was not`);
  }
  assertThrows(() => named.expand([{ op: "files", stage: 0, count: 2 }]), FerryError, "file 1 was not");
  assertThrows(() => named.makeRoom(2 ** 20), FerryError, "wait for their commit");
});
