/** What a commit refuses: it changes nothing but what its operations expect, and only below the root. */
import { assert, assertEquals } from "@std/assert";
import type { Operation } from "../../wire/operation.ts";
import { code, frame, list, type Test, write } from "./bench.ts";

/** Registers the tests with `test`. */
export function testCommit(test: Test): void {
  test("commit() does each operation only where it finds what it expects", async ({ store, at }) => {
    write(at("f"), "four", 4000);
    Deno.mkdirSync(at("d"));
    Deno.symlinkSync("x", at("l"));
    new Deno.Command("mkfifo", { args: [at("pipe")] }).outputSync();
    const session = await store.write();
    await session.stage([frame(0, "new")]);
    const wrong: [string, Operation["expect"]][] = [
      ["f", null],
      ["f", { kind: "file", size: 5, mtime: 4000 }],
      ["f", { kind: "file", size: 4, mtime: 4001 }],
      ["f", { kind: "dir" }],
      ["f", { kind: "symlink", target: "f" }],
      ["d", null],
      ["d", { kind: "file", size: 4096, mtime: 4000 }],
      ["l", null],
      ["l", { kind: "symlink", target: "y" }],
      ["l", { kind: "file", size: 1, mtime: 0 }],
      ["pipe", null],
      ["pipe", { kind: "file", size: 0, mtime: 0 }],
      ["none", { kind: "file", size: 4, mtime: 4000 }],
      ["none", { kind: "dir" }],
      ["none/deep", null],
      ["f/below", null],
      ["l/below", null],
    ];
    for (const [path, expect] of wrong) {
      const operations: Operation[] = [
        { op: "delete", path, expect },
        { op: "mkdir", path, mode: 0o700, expect },
        { op: "symlink", path, target: "z", mtime: 0, expect },
        { op: "file", path, stage: 0, mode: 0o600, mtime: 0, expect },
        ...(expect !== null && expect.kind !== "symlink"
          ? [{ op: "meta" as const, path, mode: 0o777, expect }]
          : []),
      ];
      const outcomes = await session.commit(operations);
      assertEquals([path, expect, outcomes.map(code)], [path, expect, operations.map(() => "conflict")]);
    }
    await session.close();
    assertEquals(list(at()), ["d", "f", "l", "pipe"]);
    assertEquals([Deno.readTextFileSync(at("f")), Deno.readLinkSync(at("l"))], ["four", "x"]);
    assertEquals(Deno.statSync(at("f")).mtime?.getTime(), 4000);
    assert(Deno.lstatSync(at("pipe")).isFifo);
  });

  test("commit() goes on after an operation that it refused, in order", async ({ store, at }) => {
    const session = await store.write();
    await session.stage([frame(0, "one"), frame(1, "two")]);
    const outcomes = await session.commit([
      { op: "file", path: "no/such/folder", stage: 0, mode: 0o644, mtime: 1, expect: null },
      { op: "file", path: "a", stage: 0, mode: 0o644, mtime: 1, expect: null },
      { op: "file", path: "b", stage: 0, mode: 0o644, mtime: 1, expect: null },
      { op: "file", path: "c", stage: 77, mode: 0o644, mtime: 1, expect: null },
      { op: "delete", path: "gone", expect: { kind: "dir" } },
      { op: "file", path: "d", stage: 1, mode: 0o644, mtime: 1, expect: null },
    ]);
    assertEquals(outcomes.map(code), ["conflict", null, "missing", "missing", "conflict", null]);
    await session.close();
    assertEquals(list(at()), ["a", "d"]);
  });

  test("commit() never deletes or replaces a folder with something in it", async ({ store, at }) => {
    Deno.mkdirSync(at("d"));
    write(at("d/own"), "precious");
    const session = await store.write();
    await session.stage([frame(0, "new")]);
    const outcomes = await session.commit([
      { op: "delete", path: "d", expect: { kind: "dir" } },
      { op: "file", path: "d", stage: 0, mode: 0o644, mtime: 1, expect: { kind: "dir" } },
      { op: "symlink", path: "d", target: "/", mtime: 1, expect: { kind: "dir" } },
    ]);
    assertEquals(outcomes.map(code), ["conflict", "conflict", "conflict"]);
    await session.close();
    assertEquals(Deno.readTextFileSync(at("d/own")), "precious");
    assertEquals(list(at()), ["d"]);
  });

  test("writes through no symbolic link, nor at what one points to", async ({ store, at, outside }) => {
    Deno.mkdirSync(outside("target"));
    write(outside("target/f"), "outside", 4000);
    Deno.chmodSync(outside("target/f"), 0o600);
    Deno.symlinkSync("../target", at("way"));
    Deno.symlinkSync("../target/f", at("file"));
    const session = await store.write();
    await session.stage([frame(0, "evil"), frame(1, "new")]);
    const outcomes = await session.commit([
      {
        op: "file",
        path: "way/f",
        stage: 0,
        mode: 0o644,
        mtime: 1,
        expect: { kind: "file", size: 7, mtime: 4000 },
      },
      { op: "file", path: "way/new", stage: 0, mode: 0o644, mtime: 1, expect: null },
      { op: "mkdir", path: "way/d", mode: 0o755, expect: null },
      { op: "symlink", path: "way/l", target: "x", mtime: 1, expect: null },
      { op: "delete", path: "way/f", expect: { kind: "file", size: 7, mtime: 4000 } },
      { op: "meta", path: "way/f", mode: 0o777, expect: { kind: "file", size: 7, mtime: 4000 } },
      { op: "meta", path: "way", mode: 0o777, expect: { kind: "dir" } },
      { op: "meta", path: "file", mode: 0o777, expect: { kind: "file", size: 7, mtime: 4000 } },
      {
        op: "file",
        path: "file",
        stage: 1,
        mode: 0o644,
        mtime: 1,
        expect: { kind: "symlink", target: "../target/f" },
      },
      { op: "mkdir", path: "way", mode: 0o755, expect: { kind: "symlink", target: "../target" } },
      { op: "file", path: "way/f", stage: 0, mode: 0o644, mtime: 1, expect: null },
    ]);
    assertEquals(outcomes.map(code), [...Array(8).fill("conflict"), null, null, null]);
    await session.close();
    const info = Deno.statSync(outside("target/f"));
    assertEquals(
      [
        list(outside("target")),
        Deno.readTextFileSync(outside("target/f")),
        info.mode! & 0o777,
        info.mtime?.getTime(),
      ],
      [["f"], "outside", 0o600, 4000],
    );
    assertEquals([Deno.readTextFileSync(at("way/f")), Deno.lstatSync(at("file")).isFile], ["evil", true]);
  });

  test("commit() follows no link that an earlier operation of its own made", async ({ store, at, outside }) => {
    Deno.mkdirSync(outside("target"));
    const session = await store.write();
    await session.stage([frame(0, "evil"), frame(1, "evil")]);
    const outcomes = await session.commit([
      { op: "mkdir", path: "a", mode: 0o755, expect: null },
      { op: "file", path: "a/f", stage: 0, mode: 0o644, mtime: 1, expect: null },
      { op: "delete", path: "a/f", expect: { kind: "file", size: 4, mtime: 1 } },
      { op: "symlink", path: "a", target: "../target", mtime: 1, expect: { kind: "dir" } },
      { op: "file", path: "a/g", stage: 1, mode: 0o644, mtime: 1, expect: null },
      { op: "mkdir", path: "a/h", mode: 0o755, expect: null },
    ]);
    assertEquals(outcomes.map(code), [null, null, null, null, "conflict", "conflict"]);
    await session.close();
    assertEquals([list(at()), list(outside("target"))], [["a"], []]);
  });
}
