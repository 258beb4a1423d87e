import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { hasVanished, identityOf, markReplica, placesOf, replicaOf } from "./replica.ts";

function tempDir() {
  const path = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "ferry-replica-" }));
  const [root, home] = [`${path}/root`, `${path}/home/ferry`];
  Deno.mkdirSync(root);
  return { path, root, home, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}

Deno.test("markReplica() gives a folder an id once, or the one that it is told", () => {
  using dir = tempDir();
  assertEquals([replicaOf(dir.root), identityOf(dir.root)], [null, null]);
  markReplica(dir.root, dir.home, "told");
  markReplica(dir.root, dir.home, "other");
  assertEquals(replicaOf(dir.root), "told");
  const { replica, made } = JSON.parse(Deno.readTextFileSync(`${dir.root}/.ferry/replica`));
  assertEquals(replica, "told");
  assert(Math.abs(Date.parse(made) - Date.now()) < 60_000);
  assertEquals([...Deno.readDirSync(`${dir.root}/.ferry`)].map(({ name }) => name), ["replica"]);
});

Deno.test("markReplica() keeps quiet where it cannot write", () => {
  using dir = tempDir();
  Deno.writeTextFileSync(`${dir.root}/.ferry`, "a file");
  markReplica(dir.root, dir.home);
  markReplica(`${dir.root}/none/deep`, undefined);
  Deno.writeTextFileSync(`${dir.path}/file`, "");
  markReplica(dir.path, `${dir.path}/file/home`);
  assert(replicaOf(dir.path));
});

Deno.test("hasVanished() is about a mark that was there, and nothing else", () => {
  using dir = tempDir();
  const { root, home } = dir;
  assertEquals([hasVanished(root, home), hasVanished(root, undefined)], [false, false]);
  markReplica(root, home);
  assertEquals(hasVanished(root, home), false);
  Deno.writeTextFileSync(`${root}/f`, "");
  // The mark alone.
  Deno.removeSync(`${root}/.ferry`, { recursive: true });
  assertEquals([hasVanished(root, home), hasVanished(root, undefined)], [true, false]);
  assertEquals(hasVanished(root, `${home}/another`), false);
  // Emptied by somebody, or replaced on the same file system, as scripts do: `rm -rf dst; mkdir dst`.
  Deno.removeSync(`${root}/f`);
  assertEquals(hasVanished(root, home), false);
  Deno.renameSync(root, `${root} away`);
  Deno.mkdirSync(root);
  assertEquals(hasVanished(root, home), false);
  Deno.writeTextFileSync(`${root}/another`, "");
  assertEquals(hasVanished(root, home), false);
  Deno.removeSync(`${root}/another`);
  // Removed by somebody: it is on the file system of what is left of its path.
  Deno.removeSync(root);
  assertEquals(hasVanished(root, home), false);
  Deno.mkdirSync(root);
  markReplica(root, home);
  assertEquals(hasVanished(root, home), false);
});

Deno.test("hasVanished() is so where another file system is, and where there is none any more", () => {
  using dir = tempDir();
  const { root, home } = dir;
  markReplica(root, home);
  const [{ name }] = Deno.readDirSync(`${home}/places`);
  const path = `${home}/places/${name}`;
  const memory = JSON.parse(Deno.readTextFileSync(path));
  Deno.removeSync(root, { recursive: true });
  const [there, gone] = [
    () => (Deno.mkdirSync(root), hasVanished(root, home)),
    () => hasVanished(root, home),
  ];
  const cases: [object, boolean][] = [
    [memory.system, false],
    [{ ...memory.system, mount: root }, true],
    [{ ...memory.system, mount: "/none" }, true],
    [{ ...memory.system, type: 1 }, true],
  ];
  for (const [system, vanished] of cases) {
    Deno.writeTextFileSync(path, JSON.stringify({ ...memory, system }));
    assertEquals([system, gone(), there()], [system, vanished, vanished]);
    Deno.removeSync(root);
  }
});

Deno.test("hasVanished() keeps the numbers of this boot", () => {
  using dir = tempDir();
  const { root, home } = dir;
  markReplica(root, home);
  const [{ name }] = Deno.readDirSync(`${home}/places`);
  const path = `${home}/places/${name}`;
  const text = Deno.readTextFileSync(path);
  const memory = JSON.parse(text);
  Deno.writeTextFileSync(
    path,
    JSON.stringify({ ...memory, system: { ...memory.system, dev: 1, boot: "old" } }),
  );
  assertEquals(hasVanished(root, home), false);
  assertEquals(Deno.readTextFileSync(path), text);
});

Deno.test("hasVanished() takes note of marks that it meets, and trusts none that it cannot read", () => {
  using dir = tempDir();
  markReplica(dir.root, undefined);
  assertEquals(hasVanished(dir.root, dir.home), false);
  for (const text of ["", "{}", '{"replica":5}', '{"replica":"../x"}', "null"]) {
    Deno.writeTextFileSync(`${dir.root}/.ferry/replica`, text);
    assertEquals([replicaOf(dir.root), hasVanished(dir.root, dir.home)], ["", false], text);
  }
  Deno.removeSync(`${dir.root}/.ferry/replica`);
  assertEquals(hasVanished(dir.root, dir.home), true);
  const [{ name }] = Deno.readDirSync(`${dir.home}/places`);
  for (const text of ["", "{}", "[]", '{"place":"/else","replica":"a","dev":1}']) {
    Deno.writeTextFileSync(`${dir.home}/places/${name}`, text);
    assertEquals(hasVanished(dir.root, dir.home), false, text);
  }
});

Deno.test("a machine remembers a thousand places and forgets the oldest", () => {
  using dir = tempDir();
  Deno.mkdirSync(`${dir.home}/places`, { recursive: true });
  for (let i = 0; i < 1000; i++) {
    Deno.writeTextFileSync(`${dir.home}/places/${i}.json`, "{}");
    Deno.utimeSync(`${dir.home}/places/${i}.json`, 1, 1_000_000 + i);
  }
  markReplica(dir.root, dir.home);
  const names = [...Deno.readDirSync(`${dir.home}/places`)].map(({ name }) => name);
  assertEquals([names.length, names.includes("0.json"), names.includes("1.json")], [1000, false, true]);
  Deno.removeSync(`${dir.root}/.ferry/replica`);
  assertEquals(hasVanished(dir.root, dir.home), true);
});

Deno.test("placesOf() names the marked folders around a path, and tells copies apart", () => {
  using dir = tempDir();
  Deno.mkdirSync(`${dir.root}/a/b`, { recursive: true });
  markReplica(dir.root, undefined);
  markReplica(`${dir.root}/a`, undefined);
  const places = placesOf(`${dir.root}/a/b/not there`);
  assertEquals(places.map(({ path }) => path), ["b/not there", "a/b/not there"]);
  assertEquals(places.map(({ share }) => share), [identityOf(`${dir.root}/a`), identityOf(dir.root)]);
  assertEquals(placesOf(dir.root), [{ share: identityOf(dir.root), path: "" }]);
  const copy = `${dir.path}/copy`;
  assert(new Deno.Command("cp", { args: ["-a", dir.root, copy] }).outputSync().success);
  assertEquals(replicaOf(copy), replicaOf(dir.root));
  assertNotEquals(identityOf(copy), identityOf(dir.root));
});
