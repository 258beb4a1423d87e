import { assertEquals, assertThrows } from "@std/assert";
import { FerryError } from "../core/errors.ts";
import { type Change, changeLine, changesEnd, changesHead, ChangesReader } from "./changes.ts";
import type { TreeHead } from "./head.ts";
import { MAX_CHANGES } from "./limits.ts";

const HEAD: TreeHead = {
  replica: "r",
  epoch: "e",
  seq: 9,
  root: "ab".repeat(32),
  files: 3,
  rules: false,
};
const LIST: Change[] = [
  { seq: 5, path: "a/b", entry: { kind: "file", size: 5, mtime: 1_764_000_000_123, mode: 0o644 } },
  { seq: 6, path: "a/ü", entry: { kind: "symlink", target: "../x", mtime: 0 } },
  { seq: 7, path: "old", entry: null },
  { seq: 9, path: "d", entry: { kind: "dir", mtime: 1, mode: 0o755 } },
];

function read(text: string, since = 4) {
  const reader = new ChangesReader(since);
  for (const line of text.split("\n").slice(0, -1)) reader.line(line);
  return reader.finish();
}

Deno.test("ChangesReader reads what was written", () => {
  const lines = changesHead(HEAD) + LIST.map(changeLine).join("");
  assertEquals(read(lines + changesEnd(HEAD)), { list: LIST, seq: 9, head: HEAD });
  assertEquals(read(lines + changesEnd(9)), { list: LIST, seq: 9, head: null });
  const problem = { ...HEAD, root: null };
  assertEquals(read(changesHead(HEAD) + changesEnd(problem)), { list: [], seq: 9, head: problem });
});

const line = (fields: unknown) => JSON.stringify(fields) + "\n";
const file = (path: string, name = path.split("/").at(-1)!) =>
  line({ seq: 5, path, entry: [name, "f", 1, 2, 0o644] });
const around = (...lines: string[]) => changesHead(HEAD) + lines.join("") + changesEnd(HEAD);

for (
  const [what, text] of Object.entries({
    "nothing": "",
    "no end": changesHead(HEAD) + file("a"),
    "no head": file("a") + changesEnd(HEAD),
    "another version": around().replace('"ferry":1', '"ferry":2'),
    "a line after the end": around() + file("a"),
    "no JSON": around("nonsense\n"),
    "a number before the one asked for": around(line({ seq: 3, path: "a", gone: true })),
    "numbers that go back": around(
      line({ seq: 7, path: "a", gone: true }),
      line({ seq: 6, path: "b", gone: true }),
    ),
    "an end before its last change": around(file("a")).replace('"end":9', '"end":4'),
    "a path that leads out": around(file("../a")),
    "a path into Ferry's own state": around(file(".ferry/a")),
    "the root": around(line({ seq: 5, path: "", gone: true })),
    "an entry of another name": around(file("a/b", "c")),
    "an entry of no kind": around(line({ seq: 5, path: "a", entry: ["a", "x", 1, 2, 3] })),
    "neither an entry nor gone": around(line({ seq: 5, path: "a" })),
    "a digest that is none": around().replaceAll(HEAD.root!, "short"),
    "nothing and more": changesHead(HEAD) + changesEnd(9),
    "a value too many": around(line({ seq: 5, path: "a", gone: true, more: Array(100).fill(0) })),
    "too many changes": around(line({ seq: 5, path: "a", gone: true }).repeat(MAX_CHANGES + 1)),
  })
) {
  Deno.test(`ChangesReader refuses ${what}`, () => {
    const error = assertThrows(() => read(text), FerryError);
    assertEquals(error.code, "protocol");
  });
}
