import { assert, assertEquals } from "@std/assert";
import { bootId } from "../boot.ts";
import { Leftovers } from "./leftovers.ts";
import { deadStages, Stage } from "./stage.ts";

const MTIME = 1_500_000_000_123;

function tempDir() {
  const path = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "ferry-leftovers-" }));
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}

/** A stage as a killed run leaves it, with a tree of a first copy in it. */
function deadTree(root: string, owner?: string): string {
  const tree = new Stage(root, "stage", { owner }).newPath();
  Deno.mkdirSync(`${tree}/dir`, { recursive: true });
  return tree;
}

function write(path: string, text: string, mtime = MTIME): void {
  Deno.writeTextFileSync(path, text);
  Deno.utimeSync(path, new Date(mtime), new Date(mtime));
}

const entry = (size: number, mtime = MTIME) => ({ kind: "file" as const, size, mtime, mode: 0o644 });
const text = (bytes: Uint8Array | null) => bytes && new TextDecoder().decode(bytes);

Deno.test("Leftovers gives what is there whole, in the version that is wanted, of every dead run", () => {
  using dir = tempDir();
  const [one, two] = [deadTree(dir.path), deadTree(dir.path)];
  write(`${one}/dir/a`, "aaa");
  write(`${two}/dir/b`, "bbb");
  Deno.writeTextFileSync(`${one}/dir/torn`, "tor");
  Deno.mkdirSync(`${dir.path}/outside`);
  write(`${dir.path}/outside/secret`, "sss");
  Deno.symlinkSync(`${dir.path}/outside`, `${one}/link`);
  Deno.symlinkSync(`${dir.path}/outside/secret`, `${one}/dir/file`);
  const left = new Leftovers(dir.path);
  const cases: [string, ReturnType<typeof entry>, string | null][] = [
    ["dir/a", entry(3), "aaa"],
    ["dir/b", entry(3), "bbb"],
    ["dir/a", entry(4), null],
    ["dir/a", entry(3, MTIME + 1), null],
    ["dir/torn", entry(3), null],
    ["dir/none", entry(3), null],
    ["dir", entry(3), null],
    ["link/secret", entry(3), null],
    ["dir/file", entry(3), null],
  ];
  for (const [path, wanted, expected] of cases) {
    assertEquals([path, text(left.take(path, wanted))], [path, expected]);
  }
  assertEquals(text(left.take("dir/a", { ...entry(3), sha256: "0".repeat(64) })), null);
  left.clear();
  assertEquals([left.take("dir/a", entry(3)), deadStages(dir.path)], [null, []]);
  assertEquals([...Deno.readDirSync(dir.path)].map(({ name }) => name), ["outside"]);
});

Deno.test("Leftovers removes stages at once that hold no tree, or are from before the machine was started", () => {
  using dir = tempDir();
  Deno.writeTextFileSync(new Stage(dir.path).newPath(), "a single file");
  const tree = deadTree(dir.path);
  write(`${tree}/dir/a`, "aaa");
  const stage = tree.slice(0, tree.lastIndexOf("/"));
  const [now] = deadStages(dir.path).filter((dead) => dead.dir === stage);
  assert(now.trusted && bootId() !== "");
  Deno.renameSync(stage, stage.replace(/[^/]*$/, "0123456789ab.old"));
  const left = new Leftovers(dir.path);
  assertEquals([left.empty, left.take("dir/a", entry(3)), deadStages(dir.path)], [true, null, []]);
});

Deno.test("Leftovers gives nobody what another one left, keeps it, and leaves stages in use alone", () => {
  using dir = tempDir();
  write(`${deadTree(dir.path, "one")}/dir/a`, "aaa");
  const used = new Stage(dir.path, "stage", { owner: "two" });
  used.newPath();
  const inUse = (stage: string) => stage === used.dir;
  for (const owner of [undefined, "two"]) {
    const left = new Leftovers(dir.path, { owner, inUse });
    assertEquals([left.empty, left.take("dir/a", entry(3))], [true, null]);
    left.clear();
  }
  const left = new Leftovers(dir.path, { owner: "one", inUse });
  assertEquals(text(left.take("dir/a", entry(3))), "aaa");
  left.clear();
  assertEquals(deadStages(dir.path).map((stage) => stage.dir), [used.dir]);
});
