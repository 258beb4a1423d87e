import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { FerryError } from "../../core/errors.ts";
import { isWithin } from "../../core/paths.ts";
import { DavState } from "./state.ts";

/** A state of an empty folder. */
function start() {
  const root = Deno.makeTempDirSync({ prefix: "ferry-dav-" });
  const warnings: string[] = [];
  const open = () => new DavState({ dir: () => `${root}/.ferry`, root, warn: (line) => warnings.push(line) });
  return { root, warnings, open, [Symbol.dispose]: () => Deno.removeSync(root, { recursive: true }) };
}

const set = (local: string, value: string) => ({
  kind: "set" as const,
  name: { ns: "urn:x", local },
  xml: `<x:${local} xmlns:x="urn:x">${value}</x:${local}>`,
});

const want = (path: string, options: { deep?: boolean; shared?: boolean } = {}) => ({
  path,
  root: `/${path}`,
  deep: options.deep ?? false,
  shared: options.shared ?? false,
  owner: "",
  user: null,
});

Deno.test("DavState makes nothing before it is needed, and remembers for the next server", () => {
  using at = start();
  {
    using state = at.open();
    assertEquals(state.known, null);
    state.moved("a", "b");
    assertEquals([...Deno.readDirSync(at.root)], []);
    Deno.writeTextFileSync(`${at.root}/a`, "");
    state.tables.dead.change("a", [set("p", "1")]);
    state.tables.dead.change("gone", [set("p", "1")]);
    assert("lock" in state.tables.locks.add(want("a"), 60));
    using other = at.open();
    assertEquals(other.known?.dead.of("a").length, 1);
    assertEquals(other.known?.locks.covering("a").length, 1);
  }
  using next = at.open();
  assertEquals(next.known?.dead.of("a").map(({ xml }) => xml), ['<x:p xmlns:x="urn:x">1</x:p>']);
  assertEquals(next.known?.dead.of("gone"), []);
});

Deno.test("DavState sets a damaged file aside and begins anew", () => {
  using at = start();
  Deno.mkdirSync(`${at.root}/.ferry`);
  Deno.writeTextFileSync(
    `${at.root}/.ferry/dav.db`,
    "not a database, and long enough to be looked at".repeat(100),
  );
  using state = at.open();
  assertEquals(state.known?.dead.of("a"), []);
  assertEquals(at.warnings.length, 1);
  const names = [...Deno.readDirSync(`${at.root}/.ferry`)].map(({ name }) => name);
  assert(names.some((name) => name.startsWith("dav.db.damaged-")), names.join());
});

Deno.test("DeadProperties change all or nothing, and only so many", () => {
  using at = start();
  using state = at.open();
  const { dead } = state.tables;
  dead.change("a", [set("p", "1"), set("q", "2"), { kind: "remove", name: { ns: "urn:x", local: "p" } }]);
  assertEquals(dead.of("a").map(({ local }) => local), ["q"]);
  const many = Array.from({ length: 1000 }, (_, i) => set(`p${i}`, ""));
  const error = assertThrows(() => dead.change("a", [set("r", ""), ...many]), FerryError);
  assertEquals(error.code, "disk_full");
  assertThrows(() => dead.change("a", [set("r", "x".repeat(600_000))]), FerryError);
  assertEquals(dead.of("a").map(({ local }) => local), ["q"]);
});

Deno.test("DeadProperties go where their resources go", () => {
  const path = fc.constantFrom("a", "a/b", "a/b/c", "ab", "a0", "é", "é/b", "x", "x/a/b", "%", "_/a");
  const step = fc.oneof(
    fc.record({ kind: fc.constant("set" as const), path }),
    fc.record({ kind: fc.constant("remove" as const), path }),
    fc.record({
      kind: fc.constantFrom("move" as const, "copy" as const, "shallow" as const),
      path,
      to: path,
    }),
  );
  using at = start();
  using state = at.open();
  const { dead } = state.tables;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const model = new Map<string, string>();
      for (const top of ["a", "ab", "a0", "é", "x", "%", "_"]) dead.remove(top);
      const drop = (path: string) => {
        for (const key of [...model.keys()]) if (isWithin(key, path)) model.delete(key);
      };
      let count = 0;
      for (const one of steps) {
        if (one.kind === "set") {
          const value = String(count++);
          dead.change(one.path, [set("p", value)]);
          model.set(one.path, value);
        } else if (one.kind === "remove") {
          dead.remove(one.path);
          drop(one.path);
        } else {
          const { path: from, to } = one;
          // No server does these.
          if (isWithin(from, to) || isWithin(to, from)) continue;
          const deep = one.kind !== "shallow";
          if (one.kind === "move") dead.move(from, to);
          else dead.copy(from, to, deep);
          drop(to);
          for (const [key, value] of [...model]) {
            if (deep ? isWithin(key, from) : key === from) model.set(to + key.slice(from.length), value);
          }
          if (one.kind === "move") drop(from);
        }
      }
      for (const key of ["a", "a/b", "a/b/c", "ab", "a0", "é", "é/b", "x", "x/a/b", "x/b", "%", "_/a"]) {
        const value = model.get(key);
        assertEquals(
          dead.of(key).map(({ xml }) => xml),
          value === undefined ? [] : [set("p", value).xml],
          key,
        );
      }
      assertEquals(dead.in("a")("b"), dead.of("a/b"));
    }),
    { numRuns: 60 },
  );
});

Deno.test("Locks hold where they should, and keep others out", () => {
  using at = start();
  using state = at.open();
  const { locks } = state.tables;
  const taken = (path: string, options = {}) => "lock" in locks.add(want(path, options), 60);
  assertEquals(locks.any, false);
  assert(taken("a/b", { deep: true }));
  assertEquals(
    ["", "a", "a/b", "a/b/c/d", "a/bc", "a/b0"].map((path) => locks.covering(path).length),
    [0, 0, 1, 1, 0, 0],
  );
  assertEquals(["", "a", "a/b"].map((path) => locks.below(path).length), [1, 1, 0]);
  // A lock of the folder alone goes with one of something in it; a deep one does not.
  assertEquals([taken("a"), taken("x", { deep: true }), taken("a/b/c"), taken("", { deep: true })], [
    true,
    true,
    false,
    false,
  ]);
  assert(taken("s", { shared: true }) && taken("s", { shared: true, deep: true }));
  assertEquals([taken("s"), taken("s/t"), taken("s/t", { shared: true })], [false, false, true]);
  const snapshot = locks.snapshot();
  for (const path of ["", "a", "a/b/c", "s", "s/t", "s/u"]) {
    assertEquals(
      new Set(snapshot(path).map(({ token }) => token)),
      new Set(locks.covering(path).map(({ token }) => token)),
      path,
    );
  }
  locks.removeTree("s");
  assertEquals([locks.covering("s/t").length, locks.covering("a").length], [0, 1]);
});

Deno.test("Locks run out, and can be made to last", () => {
  using at = start();
  using state = at.open();
  const { locks } = state.tables;
  const result = locks.add(want("a"), 60);
  assert("lock" in result);
  const { expires } = result.lock;
  assertEquals([locks.covering("a", expires - 1).length, locks.covering("a", expires).length], [1, 0]);
  assertEquals([locks.below("", expires - 1).length, locks.below("", expires).length], [1, 0]);
  assert(locks.refresh(result.lock, 3600).expires > expires);
  assertEquals(locks.covering("a", expires).length, 1);
  locks.remove(result.lock.token);
  assertEquals(locks.any, false);
});
