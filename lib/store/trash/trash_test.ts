import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { FerryError } from "../../core/errors.ts";
import { Trash } from "./trash.ts";
import { listTimes, parseTimeName, pruneTrash, timeName, trashOf } from "./times.ts";
import { isThere } from "../quiet.ts";

const DAY = 24 * 60 * 60 * 1000;

/** A destination with files that hold their own name, and its trash. */
function makePlace(files: readonly string[] = []) {
  const root = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "ferry-trash-" }));
  const at = (path: string) => `${root}/${path}`;
  for (const path of files) {
    Deno.mkdirSync(at(path).replace(/\/[^/]*$/, ""), { recursive: true });
    Deno.writeTextFileSync(at(path), path);
  }
  const dir = trashOf(root);
  const old = (path: string) => ({ full: at(path), path, size: path.length });
  const dispose = () => {
    new Deno.Command("chmod", { args: ["-R", "u+rwX", root] }).outputSync();
    Deno.removeSync(root, { recursive: true });
  };
  return { root, at, dir, old, trash: new Trash(root, { dir }), [Symbol.dispose]: dispose };
}

/** The folder of the only run in a trash. */
function only(dir: string): string {
  const times = listTimes(dir);
  assertEquals(times.length, 1);
  return times[0].path;
}

Deno.test("Trash keeps files, links and folders under their paths, with their modes and times", () => {
  using place = makePlace(["a/b/f", "a/g", "top"]);
  Deno.symlinkSync("nowhere", place.at("a/link"));
  Deno.chmodSync(place.at("a/g"), 0o640);
  Deno.utimeSync(place.at("a/g"), 1, new Date(1_500_000_000_123));
  Deno.chmodSync(place.at("a/b"), 0o500);
  Deno.utimeSync(place.at("a/b"), 1, new Date(1_400_000_000_000));
  place.trash.copy(place.old("a/g"));
  place.trash.copy(place.old("a/link"));
  assert(place.trash.take(place.old("top")));
  // It belongs to root or not: whoever may write the folder may take from it.
  Deno.chmodSync(place.at("a/b"), 0o700);
  Deno.utimeSync(place.at("a/b"), 1, new Date(1_400_000_000_000));
  assert(place.trash.take(place.old("a/b/f")));
  place.trash.folder("a/b");
  place.trash.close();
  const kept = only(place.dir);
  assertEquals(Deno.readTextFileSync(`${kept}/a/b/f`), "a/b/f");
  assertEquals(Deno.readTextFileSync(`${kept}/top`), "top");
  assertEquals(Deno.readLinkSync(`${kept}/a/link`), "nowhere");
  const file = Deno.statSync(`${kept}/a/g`);
  assertEquals([(file.mode ?? 0) & 0o777, file.mtime?.getTime()], [0o640, 1_500_000_000_123]);
  const folder = Deno.statSync(`${kept}/a/b`);
  assertEquals([(folder.mode ?? 0) & 0o777, folder.mtime?.getTime()], [0o700, 1_400_000_000_000]);
  assertEquals((Deno.statSync(place.dir).mode ?? 0) & 0o777, 0o700);
  // What is copied is still there, what is taken is not.
  assertEquals(Deno.readTextFileSync(place.at("a/g")), "a/g");
  assertThrows(() => Deno.lstatSync(place.at("top")), Deno.errors.NotFound);
});

Deno.test("Trash makes nothing when there is nothing to keep", () => {
  using place = makePlace();
  place.trash.close();
  assertEquals([...Deno.readDirSync(place.root)], []);
});

Deno.test("Trash keeps every version of one path in a run, and paths that are too long for it", () => {
  const long = Array.from({ length: 15 }, (_, i) => `${i}`.padEnd(240, "n")).join("/");
  using place = makePlace(["f", `${long}/g`]);
  place.trash.copy(place.old("f"));
  Deno.removeSync(place.at("f"));
  Deno.writeTextFileSync(place.at("f"), "second");
  place.trash.copy(place.old("f"));
  // A file where the trash has a folder, and the other way round.
  Deno.removeSync(place.at("f"));
  Deno.mkdirSync(place.at("f"));
  Deno.writeTextFileSync(place.at("f/below"), "below");
  assert(place.trash.take(place.old("f/below")));
  assert(place.trash.take(place.old(`${long}/g`)));
  place.trash.close();
  const kept = only(place.dir);
  assertEquals(Deno.readTextFileSync(`${kept}/f`), "f");
  assertEquals(Deno.readTextFileSync(`${kept}/.ferry/0/f`), "second");
  assertEquals(Deno.readTextFileSync(`${kept}/.ferry/1/below`), "below");
  assertEquals(Deno.readTextFileSync(`${kept}/.ferry/2/g`), `${long}/g`);
  assertEquals(Deno.readTextFileSync(`${kept}/.ferry/2.path`), `${long}/g`);
});

Deno.test("Trash copies where no link can be made, and says what it cannot keep", () => {
  using place = makePlace(["f", "g"]);
  const memory = Deno.makeTempDirSync({ dir: "/dev/shm", prefix: "ferry-trash-" });
  try {
    const elsewhere = new Trash(place.root, { dir: `${memory}/deep/trash`, sync: true });
    Deno.utimeSync(place.at("f"), 1, new Date(1_500_000_000_123));
    elsewhere.copy(place.old("f"));
    assert(elsewhere.take(place.old("g")));
    elsewhere.close();
    const kept = only(`${memory}/deep/trash`);
    assertEquals(Deno.readTextFileSync(`${kept}/f`) + Deno.readTextFileSync(`${kept}/g`), "fg");
    assertEquals(Deno.statSync(`${kept}/f`).mtime?.getTime(), 1_500_000_000_123);
    assertEquals(Deno.readTextFileSync(place.at("f")), "f");
    assertThrows(() => Deno.lstatSync(place.at("g")), Deno.errors.NotFound);
    Deno.writeTextFileSync(`${memory}/file`, "");
    const broken = new Trash(place.root, { dir: `${memory}/file/trash` });
    const error = assertThrows(() => broken.copy(place.old("f")), FerryError);
    assertEquals(error.code, "write_failed");
    assertEquals(Deno.readTextFileSync(place.at("f")), "f");
  } finally {
    Deno.removeSync(memory, { recursive: true });
  }
});

Deno.test("Trash knows a destination within a share by its path there", () => {
  using place = makePlace(["docs/a/f"]);
  const trash = new Trash(place.at("docs"), { dir: place.dir, prefix: "docs" });
  assert(trash.take({ full: place.at("docs/a/f"), path: "a/f", size: 1 }));
  trash.close();
  assertEquals(Deno.readTextFileSync(`${only(place.dir)}/docs/a/f`), "docs/a/f");
});

Deno.test("Trash goes on when another run gives up what it keeps", () => {
  using place = makePlace(["a/f", "a/g"]);
  assert(place.trash.take(place.old("a/f")));
  for (const time of listTimes(place.dir)) time.remove();
  assert(place.trash.take(place.old("a/g")));
  place.trash.close();
  assertEquals(Deno.readTextFileSync(`${only(place.dir)}/a/g`), "a/g");
});

Deno.test("Trash.release() gives the oldest first and its own last, and keeps nothing from then on", () => {
  using place = makePlace(["f", "g"]);
  const ages = [3, 1, 2].map((days) => `${place.dir}/${timeName(Date.now() - days * DAY)}`);
  for (const path of ages) Deno.mkdirSync(`${path}/x`, { recursive: true });
  assert(place.trash.take(place.old("f")));
  const left = () => ages.map((path) => isThere(path));
  const seen = [];
  while (place.trash.release()) seen.push([...left(), listTimes(place.dir).length]);
  assertEquals(seen, [
    [false, true, true, 3],
    [false, true, false, 2],
    [false, false, false, 1],
    [false, false, false, 0],
  ]);
  assert(!place.trash.take(place.old("g")));
  place.trash.copy(place.old("g"));
  place.trash.close();
  assertEquals(listTimes(place.dir), []);
  assertEquals(Deno.readTextFileSync(place.at("g")), "g");
});

Deno.test("Trash says what it does not keep, ten times, and then how much more that was", () => {
  using place = makePlace(["f\n"]);
  const told: string[] = [];
  const trash = new Trash(place.root, { dir: place.dir, prefix: "docs", warn: (line) => told.push(line) });
  for (let i = 0; i < 13; i++) assert(!trash.take({ ...place.old("f\n"), size: 1e18 }));
  trash.close();
  assertEquals(told.length, 11);
  assertStringIncludes(told[0], "docs/f\\n: its old version (1");
  assertEquals(told[10], "3 more old versions are not kept");
});

Deno.test("Trash keeps nothing that is larger than its share of the free space", () => {
  using place = makePlace(["f"]);
  assert(!place.trash.take({ ...place.old("f"), size: 1e18 }));
  assertEquals(Deno.readTextFileSync(place.at("f")), "f");
});

Deno.test("pruneTrash() removes what is old or too much, also what nobody may write, and nothing else", () => {
  using place = makePlace();
  const now = Date.now();
  const make = (days: number, bytes?: number) => {
    const path = `${place.dir}/${timeName(now - days * DAY)}`;
    Deno.mkdirSync(`${path}/locked/in it`, { recursive: true });
    Deno.chmodSync(`${path}/locked/in it`, 0o500);
    Deno.chmodSync(`${path}/locked`, 0o500);
    if (bytes !== undefined) Deno.writeTextFileSync(`${path}.size`, `${bytes}\n`);
    return path;
  };
  const [old, week, fresh, future] = [make(7.01), make(6.99), make(1), make(-2)];
  Deno.mkdirSync(`${place.dir}/mine`);
  pruneTrash(place.dir, now);
  assertEquals([old, week, fresh, future].map(isThere), [false, true, true, true]);
  const [huge, small] = [make(3, 1e14), make(2, 1)];
  pruneTrash(place.dir, now);
  assertEquals([week, huge, small, fresh].map(isThere), [false, false, true, true]);
  assert(!isThere(`${huge}.size`) && isThere(`${place.dir}/mine`));
  pruneTrash(place.dir, now + 30 * DAY);
  assertEquals([...Deno.readDirSync(place.dir)].map(({ name }) => name), ["mine"]);
  Deno.removeSync(`${place.dir}/mine`);
  pruneTrash(place.dir, now);
  assertEquals([...Deno.readDirSync(place.root)], []);
  pruneTrash(place.dir, now);
});

Deno.test("listTimes() adds up what a killed run left, once", () => {
  using place = makePlace();
  const path = `${place.dir}/${timeName(Date.now())}`;
  Deno.mkdirSync(`${path}/d`, { recursive: true });
  Deno.writeFileSync(`${path}/d/f`, new Uint8Array(10_000));
  assertEquals(listTimes(place.dir).map(({ bytes }) => bytes), [10_000 + 2 * 1024]);
  Deno.removeSync(`${path}/d/f`);
  assertEquals(listTimes(place.dir).map(({ bytes }) => bytes), [10_000 + 2 * 1024]);
});

Deno.test("parseTimeName() reads what timeName() writes, and nothing else", () => {
  for (const at of [0, 1_700_000_000_123, 4_000_000_000_000]) {
    for (const attempt of [0, 7]) assertEquals(parseTimeName(timeName(at, attempt)), at);
  }
  for (
    const name of ["", "mine", "2026-11-23", "2026-11-23T01-02-03.004Z.size", "2026-99-99T01-02-03.004Z"]
  ) {
    assertEquals(parseTimeName(name), null, name);
  }
});
