/** What a session can put in place: every name, kind, mode and time. */
import { assert, assertEquals } from "@std/assert";
import type { Operation } from "../../wire/operation.ts";
import { code, content, encode, frame, list, MTIME, take, type Test, write } from "./bench.ts";

/** Names that somebody might trip over. */
const NAMES = [
  "a b",
  " lead",
  "trail ",
  "new\nline",
  "tab\t",
  "quote'\"`",
  "back\\slash",
  "-dash",
  "#hash?query%41",
  "é",
  "e\u0301",
  "😀",
  "con",
  ".hidden",
  "...",
  "[x]{y}*",
  "\u202eevil",
  "\x01",
  "n".repeat(255),
];

/** Registers the tests with `test`. */
export function testWrite(test: Test): void {
  test("carries every name that UTF-8 can spell", async ({ store, at }) => {
    const session = await store.write();
    assertEquals(
      (await session.stage(NAMES.map((name, index) => frame(index, name)))).map(code),
      NAMES.map(() => null),
    );
    const operations = NAMES.map((path, stage): Operation => (
      { op: "file", path, stage, mode: 0o644, mtime: MTIME, expect: null }
    ));
    assertEquals((await session.commit(operations)).map(code), NAMES.map(() => null));
    await session.close();
    assertEquals(list(at()), [...NAMES].sort());
    assertEquals([...(await store.scan()).keys()].sort(), [...NAMES].sort());
    using files = await store.read(NAMES);
    assertEquals(
      files.frames.map((one) => one.kind === "file" ? new TextDecoder().decode(one.content) : one.code),
      NAMES,
    );
    const opened = await store.open("#hash?query%41");
    assert(opened.kind === "content");
    assertEquals(await take(opened), encode("#hash?query%41"));
    opened[Symbol.dispose]();
  });

  test(
    "write() makes a folder that is not there, with its parents, once something is written",
    async (bench) => {
      const session = await bench.store.write();
      assertEquals(
        (await session.commit([{ op: "mkdir", path: "d", mode: 0o755, expect: null }])).map(code),
        [null],
      );
      await session.close();
      assertEquals(list(bench.at()), ["d"]);
    },
    null,
  );

  test("writes files, folders and links with modes and times, and leaves no stage", async ({ store, at }) => {
    const session = await store.write();
    const stages = await session.stage([frame(3, "seven", 0o755), frame(9, "", 0o400, -5000)]);
    assertEquals(stages.map(code), [null, null]);
    assertEquals(code(await session.stageContent(4, content(new Uint8Array(2_000_000).fill(1)))), null);
    assertEquals(
      list(at()).filter((name) => name !== ".ferry"),
      [],
      "nothing is visible before its operation",
    );
    const outcomes = await session.commit([
      { op: "mkdir", path: "d", mode: 0o555, expect: null },
      { op: "mkdir", path: "d/e", mode: 0o700, expect: null },
      { op: "file", path: "d/f", stage: 3, mode: 0o755, mtime: MTIME, expect: null },
      { op: "file", path: "d/e/empty", stage: 9, mode: 0o400, mtime: -5000, expect: null },
      { op: "file", path: "big", stage: 4, mode: 0o604, mtime: 999, expect: null },
      { op: "symlink", path: "d/l", target: "../../out there", mtime: 1_400_000_000_456, expect: null },
      { op: "symlink", path: "old link", target: "x", mtime: -5000, expect: null },
      { op: "meta", path: "d/e", mode: 0o500, mtime: 1001, expect: { kind: "dir" } },
      { op: "meta", path: "d", mode: 0o555, mtime: 2002, expect: { kind: "dir" } },
    ]);
    assertEquals(outcomes.map(code), Array(9).fill(null));
    await session.close();
    const tree = await store.scan();
    assertEquals(Object.fromEntries(tree), {
      "d": { kind: "dir", mode: 0o555, mtime: 2002 },
      "d/e": { kind: "dir", mode: 0o500, mtime: 1001 },
      "d/f": { kind: "file", size: 5, mode: 0o755, mtime: MTIME },
      "d/e/empty": { kind: "file", size: 0, mode: 0o400, mtime: -5000 },
      "big": { kind: "file", size: 2_000_000, mode: 0o604, mtime: 999 },
      "d/l": { kind: "symlink", target: "../../out there", mtime: 1_400_000_000_456 },
      "old link": { kind: "symlink", target: "x", mtime: -5000 },
    });
    assertEquals(list(at()), ["big", "d", "old link"]);
  });

  test("replaces things of every kind by things of every other", async ({ store, at }) => {
    const version = async (path: string) => {
      const entry = (await store.scan()).get(path)!;
      return entry.kind === "file"
        ? { kind: "file" as const, size: entry.size, mtime: entry.mtime }
        : entry.kind === "symlink"
        ? { kind: "symlink" as const, target: entry.target }
        : { kind: "dir" as const };
    };
    const session = await store.write();
    const kinds = ["file", "dir", "symlink"] as const;
    let stage = 0;
    for (const from of kinds) {
      for (const to of kinds) {
        const path = `${from} to ${to}`;
        if (from === "file") write(at(path), "old");
        else if (from === "dir") Deno.mkdirSync(at(path));
        else Deno.symlinkSync("old", at(path));
        const expect = await version(path);
        if (to === "file") await session.stage([frame(stage, "new")]);
        const operation: Operation = to === "file"
          ? { op: "file", path, stage: stage++, mode: 0o644, mtime: 5, expect }
          : to === "dir"
          ? from === "dir"
            ? { op: "meta", path, mode: 0o700, expect }
            : { op: "mkdir", path, mode: 0o700, expect }
          : { op: "symlink", path, target: "new", mtime: 5, expect };
        assertEquals([path, (await session.commit([operation])).map(code)], [path, [null]]);
        const info = Deno.lstatSync(at(path));
        assertEquals([path, info.isFile, info.isDirectory, info.isSymlink], [
          path,
          to === "file",
          to === "dir",
          to === "symlink",
        ]);
      }
    }
    await session.close();
    assertEquals(list(at()).length, 9);
  });
}
