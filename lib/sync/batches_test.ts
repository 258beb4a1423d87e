import { assert, assertEquals } from "@std/assert";
import type { Entry } from "../core/entry.ts";
import { MAX_OPERATIONS, PACK_BYTES, PACK_FILES, SMALL_FILE_BYTES } from "../wire/limits.ts";
import { folderOperations, makeBatches, operationOf, unlockOperations } from "./batches.ts";
import { type Change, makePlan } from "./plan.ts";

const file = (size: number, mode = 0o644, mtime = 1): Entry & { kind: "file" } => ({
  kind: "file",
  size,
  mode,
  mtime,
});
const dir = (mode = 0o755, mtime = 1): Entry & { kind: "dir" } => ({ kind: "dir", mode, mtime });
const link = (target: string): Entry & { kind: "symlink" } => ({ kind: "symlink", target, mtime: 3 });

function create(
  path: string,
  entry: Change extends infer C ? C extends { entry: infer E } ? E : never : never,
): Change {
  return { op: "create", path, entry, content: entry.kind === "file" };
}

Deno.test("makeBatches() keeps the order and parts what travels differently", () => {
  const changes: Change[] = [
    { op: "delete", path: "old", was: file(9e9) },
    create("a", dir()),
    create("l", link("x")),
    create("f1", file(1)),
    create("f2", file(SMALL_FILE_BYTES)),
    create("big", file(SMALL_FILE_BYTES + 1)),
    create("f3", file(0)),
    { op: "update", path: "m", entry: file(9e9, 0o600), was: file(9e9), content: false },
    { op: "delete", path: "last", was: dir() },
  ];
  const batches = makeBatches(changes);
  assertEquals(batches.map((batch) => [batch.kind, batch.kind === "large" ? 1 : batch.changes.length]), [
    ["plain", 3],
    ["small", 2],
    ["large", 1],
    ["small", 1],
    ["plain", 2],
  ]);
  assertEquals(batches.flatMap((batch) => batch.kind === "large" ? [batch.change] : batch.changes), changes);
  assertEquals(makeBatches([]), []);
});

Deno.test("makeBatches() lets new versions of files travel by themselves from a size on", () => {
  const update = (path: string, size: number, was = file(5)): Change => (
    { op: "update", path, entry: file(size), was, content: true }
  );
  const changes = [create("a", file(2000)), update("b", 999), update("c", 1000), update("d", 10)];
  assertEquals(makeBatches(changes, 1000).map(({ kind }) => kind), ["small", "large", "small"]);
  assertEquals(makeBatches(changes).map(({ kind }) => kind), ["small"]);
});

Deno.test("makeBatches() fills packs to their bounds and never past them", () => {
  const many = Array.from({ length: 2 * PACK_FILES + 1 }, (_, i) => create(`f${i}`, file(1)));
  const large = Array.from({ length: 10 }, (_, i) => create(`g${i}`, file(SMALL_FILE_BYTES)));
  const plain = Array.from({ length: 5001 }, (_, i): Change => ({ op: "delete", path: `d${i}`, was: dir() }));
  for (const batch of makeBatches([...many, ...large, ...plain])) {
    assert(batch.kind !== "large");
    assert(batch.changes.length <= (batch.kind === "small" ? PACK_FILES : MAX_OPERATIONS));
    if (batch.kind === "plain") continue;
    const bytes = batch.changes.reduce(
      (sum, c) => sum + (c.op !== "delete" && c.entry.kind === "file" ? c.entry.size : 0),
      0,
    );
    assert(bytes <= PACK_BYTES, `${bytes} bytes in a pack`);
  }
});

Deno.test("operationOf() expects what the plan saw", () => {
  const cases: [Change, ReturnType<typeof operationOf>][] = [
    [create("a", dir(0o555)), { op: "mkdir", path: "a", mode: 0o555, expect: null }],
    [create("l", link("x")), { op: "symlink", path: "l", target: "x", mtime: 3, expect: null }],
    [
      { op: "delete", path: "x", was: file(5, 0o644, 7) },
      { op: "delete", path: "x", expect: { kind: "file", size: 5, mtime: 7 } },
    ],
    [
      { op: "update", path: "m", entry: file(5, 0o600, 8), was: file(5, 0o644, 7), content: false },
      { op: "meta", path: "m", mode: 0o600, mtime: 8, expect: { kind: "file", size: 5, mtime: 7 } },
    ],
    [
      { op: "update", path: "a", entry: dir(0o555), was: dir(), content: false },
      // Its owner can still write into it until the end of the run.
      { op: "meta", path: "a", mode: 0o755, expect: { kind: "dir" } },
    ],
    [
      { op: "update", path: "a", entry: dir(), was: link("old"), content: false },
      { op: "mkdir", path: "a", mode: 0o755, expect: { kind: "symlink", target: "old" } },
    ],
    [
      { op: "update", path: "l", entry: link("new"), was: link("old"), content: false },
      { op: "symlink", path: "l", target: "new", mtime: 3, expect: { kind: "symlink", target: "old" } },
    ],
  ];
  for (const [change, operation] of cases) assertEquals(operationOf(change, null), operation);
});

Deno.test("operationOf() takes time and mode as they were when the content was read, not as they were planned", () => {
  const change: Change = { op: "update", path: "f", entry: file(5), was: file(4), content: true };
  assertEquals(operationOf(change, { stage: 3, mode: 0o600, mtime: 99 }), {
    op: "file",
    path: "f",
    stage: 3,
    mode: 0o600,
    mtime: 99,
    expect: { kind: "file", size: 4, mtime: 1 },
  });
});

Deno.test("folderOperations() sets the deepest folders first and leaves out what failed", () => {
  const plan = makePlan(
    new Map<string, Entry>([["a", dir(0o555, 5)], ["a/b", dir(0o500, 6)], ["c", dir()]]),
    new Map(),
  );
  assertEquals(folderOperations(plan, new Set(["c"])), [
    { op: "meta", path: "a/b", mode: 0o500, mtime: 6, expect: { kind: "dir" } },
    { op: "meta", path: "a", mode: 0o555, mtime: 5, expect: { kind: "dir" } },
  ]);
});

Deno.test("unlockOperations() opens folders that their owner may not write", () => {
  const plan = makePlan(
    new Map<string, Entry>([["a", dir(0o555)], ["a/f", file(2)]]),
    new Map<string, Entry>([["a", dir(0o555)], ["a/f", file(1)]]),
  );
  assertEquals(unlockOperations(plan), [{ op: "meta", path: "a", mode: 0o755, expect: { kind: "dir" } }]);
  assertEquals(
    folderOperations(plan, new Set()).map((operation) => operation.op === "meta" && operation.mode),
    [0o555],
  );
});
