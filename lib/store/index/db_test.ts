import { assert, assertEquals, assertThrows } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { DamagedIndex, type FolderRow, IndexDb } from "./db.ts";

const ROW: FolderRow = {
  mtime: 5,
  mode: 0o755,
  born: 1,
  seq: 2,
  entries: '[["f","f",1,1,420]]',
  stats: "[2,3,4,0]",
};

function withDir(run: (dir: string) => void): void {
  const dir = Deno.makeTempDirSync({ prefix: "ferry-index-" });
  try {
    run(`${dir}/state`);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
}

Deno.test("IndexDb keeps rows, numbers and its name from one process to the next", () =>
  withDir((dir) => {
    const first = IndexDb.open(dir);
    assertEquals(first.opened, "new");
    first.transact(() => {
      first.put("a", ROW);
      first.put("a/b", ROW);
      first.put("a0", ROW);
      first.seq = 7;
    });
    first.bury("x", 7);
    first[Symbol.dispose]();
    using second = IndexDb.open(dir);
    assertEquals([second.opened, second.seq, second.get("a")], ["found", 7, ROW]);
    assertEquals([second.replica, second.epoch], [first.replica, first.epoch]);
    assertEquals([second.buried(6), second.buried(7)], [[{ path: "x", seq: 7 }], []]);
    second.forget("a");
    assertEquals([second.get("a"), second.get("a/b"), second.get("a0")], [null, null, ROW]);
  }));

Deno.test("IndexDb begins anew, under another epoch, when it cannot be used", () =>
  withDir((dir) => {
    const damage: [string, () => void][] = [
      ["not a database", () => Deno.writeTextFileSync(`${dir}/index.db`, "x".repeat(5000))],
      ["cut off", () => Deno.truncateSync(`${dir}/index.db`, 3000)],
      ["another version", () => edit(dir, "PRAGMA user_version = 99")],
      ["without its name", () => edit(dir, "DELETE FROM meta WHERE key = 'replica'")],
      ["without a table", () => edit(dir, "DROP TABLE tombstone")],
      ["the machine crashed", () =>
        edit(
          dir,
          "UPDATE meta SET value = '0' WHERE key = 'clean'; UPDATE meta SET value = 'x' WHERE key = 'boot'",
        )],
    ];
    const first = IndexDb.open(dir);
    first[Symbol.dispose]();
    let { epoch } = first;
    for (const [label, destroy] of damage) {
      destroy();
      const next = IndexDb.open(dir);
      assertEquals([next.opened, next.seq], ["rebuilt", 0], label);
      assert(next.epoch !== epoch, label);
      ({ epoch } = next);
      next[Symbol.dispose]();
    }
  }));

Deno.test("IndexDb does not believe a row that somebody changed", () =>
  withDir((dir) => {
    const first = IndexDb.open(dir);
    first.put("a", ROW);
    first[Symbol.dispose]();
    edit(dir, "UPDATE folder SET entries = '[]', stats = '[]'");
    using second = IndexDb.open(dir);
    assertThrows(() => second.get("a"), DamagedIndex);
  }));

Deno.test("IndexDb leaves an index to the process that has it", () =>
  withDir((dir) => {
    using first = IndexDb.open(dir);
    using second = IndexDb.open(dir);
    assertEquals([first.opened, second.opened], ["new", "in_use"]);
    assert(first.replica !== second.replica);
    second.put("a", ROW);
    assertEquals(first.get("a"), null);
  }));

function edit(dir: string, sql: string): void {
  const db = new DatabaseSync(`${dir}/index.db`);
  db.exec(sql);
  db.close();
}
