import { assertEquals, assertNotEquals } from "@std/assert";
import type { Entry, Tree } from "../core/entry.ts";
import { treeDigest } from "./tree_digest.ts";

const file: Entry = { kind: "file", size: 5, mtime: 1_764_000_000_123, mode: 0o644 };
const dir: Entry = { kind: "dir", mtime: 1_764_000_000_000, mode: 0o755 };
const link: Entry = { kind: "symlink", target: "a", mtime: 1_764_000_000_000 };

const tree = (entries: Record<string, Entry>): Tree => new Map(Object.entries(entries));

Deno.test("treeDigest() is the digest of docs/protocol.md", () => {
  // Both were made with another program.
  assertEquals(treeDigest(new Map()), EMPTY);
  assertEquals(treeDigest(tree({ "l": link, "a.txt": file, "sub": dir, "sub/x": file })), SAMPLE);
});

const EMPTY = "cd372fb85148700fa88095e3492d3f9f5beb43e555e5ff26d95f5a6adc36f8e6";
const SAMPLE = "ff1da1092a80d7e004030c737e4a415563f85d21d86434cc5742cafd6cb60e6c";

Deno.test("treeDigest() does not depend on the order of a listing", () => {
  const some = { "b": file, "a": file, "d": dir, "d/2": file, "d/1": link, "c": dir };
  const digest = treeDigest(tree(some));
  assertEquals(
    treeDigest(tree({ "c": dir, "d": dir, "a": file, "d/1": link, "b": file, "d/2": file })),
    digest,
  );
});

Deno.test("treeDigest() tells every difference", () => {
  const base: Record<string, Entry> = { "a": file, "d": dir, "d/f": file, "l": link };
  const others: Record<string, Record<string, Entry>> = {
    "a size": { ...base, "a": { ...file, size: 6 } },
    "a time": { ...base, "d/f": { ...file, mtime: 1 } },
    "a mode": { ...base, "a": { ...file, mode: 0o600 } },
    "a folder's time": { ...base, "d": { ...dir, mtime: 1 } },
    "a folder's mode": { ...base, "d": { ...dir, mode: 0o700 } },
    "a target": { ...base, "l": { ...link, target: "b" } },
    "a name": { "b": file, "d": dir, "d/f": file, "l": link },
    "one less": { "a": file, "d": dir, "l": link },
    "one more": { ...base, "z": file },
    "another kind": { ...base, "a": link },
    "another level": { "a": file, "d": dir, "f": file, "l": link },
  };
  const digest = treeDigest(tree(base));
  for (const [label, other] of Object.entries(others)) {
    assertNotEquals(treeDigest(tree(other)), digest, label);
  }
  const problem: Entry = { kind: "problem", code: "unreadable", message: "" };
  assertEquals(treeDigest(tree({ ...base, "d/p": problem })), null);
});
