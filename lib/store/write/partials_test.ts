import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { Partials, prunePartials, RESUME_BYTES } from "./partials.ts";

const DAY = 24 * 60 * 60 * 1000;

function tempDir() {
  const path = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "ferry-partials-" }));
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}

function list(path: string): string[] {
  return [...Deno.readDirSync(path)].map((entry) => entry.name).sort();
}

const version = (path: string) => ({ path, size: RESUME_BYTES, mtime: 5 });

Deno.test("Partials has one place for each version of each file of each folder", () => {
  using dir = tempDir();
  const partials = new Partials(dir.path, `${dir.path}/a`);
  const places = [
    partials.take(version("f")),
    partials.take(version("g")),
    partials.take({ ...version("f"), size: RESUME_BYTES + 1 }),
    partials.take({ ...version("f"), mtime: 6 }),
    new Partials(dir.path, `${dir.path}/b`).take(version("f")),
  ];
  assertEquals(new Set(places).size, places.length);
  assert(places.every((place) => place?.startsWith(`${dir.path}/.ferry/partial/`)));
  assertEquals(partials.take({ ...version("small"), size: RESUME_BYTES - 1 }), null);
});

Deno.test("Partials gives a place to one writer at a time and keeps what came", () => {
  using dir = tempDir();
  const partials = new Partials(dir.path, dir.path);
  const path = partials.take(version("f"))!;
  assertEquals([partials.take(version("f")), partials.has(path), partials.size(version("f"))], [
    null,
    true,
    0,
  ]);
  Deno.writeFileSync(path, new Uint8Array(1000));
  partials.give(path);
  assertEquals([partials.has(path), partials.count()], [false, 1]);
  const later = new Partials(dir.path, dir.path);
  assertEquals([later.size(version("f")), later.take(version("f"))], [1000, path]);
  Deno.writeFileSync(path, new Uint8Array(RESUME_BYTES + 9));
  assertEquals(later.size(version("f")), RESUME_BYTES);
  partials.tidy();
  assertEquals(later.count(), 1);
  partials.clear();
  assertEquals(list(dir.path), []);
});

Deno.test("prunePartials() drops what is old and the oldest of too many, and nothing else", () => {
  using dir = tempDir();
  const [a, b] = ["a", "b"].map((folder) => new Partials(dir.path, folder));
  for (let i = 0; i < 60; i++) {
    Deno.writeTextFileSync(a.take(version(`${i}`))!, "x");
    Deno.writeTextFileSync(b.take(version(`${i}`))!, "x");
  }
  Deno.writeTextFileSync(`${dir.path}/.ferry/index`, "");
  prunePartials(dir.path);
  assertEquals(a.count() + b.count(), 100);
  // A file that is whole bears the time of its source: that is not how long it has been there.
  Deno.utimeSync(a.take(version("new"))!.replace(/[^/]*$/, list(pathOf(a))[0]), 1, 1);
  prunePartials(dir.path, Date.now() + 6 * DAY);
  assertEquals(a.count() + b.count(), 100);
  prunePartials(dir.path, Date.now() + 8 * DAY);
  assertEquals(list(`${dir.path}/.ferry`), ["index"]);
  prunePartials(dir.path);
  prunePartials(`${dir.path}/none`);
  assertNotEquals(list(dir.path), []);
});

function pathOf(partials: Partials): string {
  return partials.take(version("any"))!.replace(/\/[^/]*$/, "");
}
