/** Version 1 of the wire format, byte for byte: what other clients and servers were written against. */
import { assertEquals } from "@std/assert";
import { type Frame, PackBuilder, readPack } from "../lib/wire/pack.ts";
import { TreeReader } from "../lib/wire/tree.ts";

const fixture = (name: string) => new URL(`../fixtures/${name}`, import.meta.url);

const FRAMES: Frame[] = [
  { kind: "file", index: 0, mtime: 1764000000123, mode: 0o644, content: new TextEncoder().encode("hello\n") },
  { kind: "file", index: 1, mtime: -1, mode: 0o755, content: new Uint8Array(0) },
  { kind: "problem", index: 2, code: "vanished", message: "it vanished before it was read" },
];

Deno.test("readPack() reads a pack of version 1", () => {
  assertEquals([...readPack(Deno.readFileSync(fixture("pack_v1.bin")))], FRAMES);
});

Deno.test("PackBuilder writes a pack of version 1", () => {
  const builder = new PackBuilder(new ArrayBuffer(16));
  for (const frame of FRAMES) {
    if (frame.kind === "file") builder.addFile(frame);
    else builder.addProblem(frame.index, frame.code, frame.message);
  }
  assertEquals(new Uint8Array(builder.finish()), Deno.readFileSync(fixture("pack_v1.bin")));
});

Deno.test("PackBuilder and readPack() name paths as version 1 does", () => {
  const paths = ["a.txt", "sub/ü"];
  const builder = new PackBuilder(new ArrayBuffer(16));
  for (const frame of FRAMES) if (frame.kind === "file") builder.addFile(frame);
  builder.addPaths(paths);
  const bytes = builder.finish();
  assertEquals(new Uint8Array(bytes), Deno.readFileSync(fixture("pack_paths_v1.bin")));
  let told: string[] = [];
  assertEquals([...readPack(bytes, (paths) => told = paths)], FRAMES.slice(0, 2));
  assertEquals(told, paths);
});

Deno.test("TreeReader reads a tree of version 1", () => {
  const reader = new TreeReader();
  for (const line of Deno.readTextFileSync(fixture("tree_v1.ndjson")).trimEnd().split("\n")) {
    reader.line(line);
  }
  assertEquals([...reader.finish()], [
    ["a.txt", { kind: "file", size: 5, mtime: 1764000000123, mode: 0o644 }],
    ["sub", { kind: "dir", mtime: 1764000000000, mode: 0o755 }],
    ["sub/link", { kind: "symlink", mtime: 1764000000000, target: "../a.txt" }],
    ["sub/pipe", {
      kind: "problem",
      code: "unsupported_kind",
      message: "it is neither a file, a folder nor a symbolic link",
    }],
  ]);
});
