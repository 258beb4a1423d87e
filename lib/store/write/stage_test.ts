import { assert, assertEquals, assertThrows } from "@std/assert";
import { FerryError } from "../../core/errors.ts";
import { changeError, removeStages, removeStaleUploads, Stage } from "./stage.ts";

function tempDir() {
  const path = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "ferry-stage-" }));
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}

function list(path: string): string[] {
  return [...Deno.readDirSync(path)].map((entry) => entry.name).sort();
}

Deno.test("Stage makes nothing before it is needed and leaves nothing behind", () => {
  using dir = tempDir();
  const unused = new Stage(dir.path);
  unused.close();
  assertEquals(list(dir.path), []);
  const stage = new Stage(dir.path);
  const [a, b] = [stage.newPath(), stage.newPath()];
  assert(a !== b && a.startsWith(`${dir.path}/.ferry/stage/`));
  assertEquals(
    Deno.statSync(a.slice(0, a.lastIndexOf("/"))).mode! & 0o777,
    0o700,
    "for its owner's eyes only",
  );
  Deno.writeTextFileSync(a, "staged");
  Deno.mkdirSync(b);
  Deno.writeTextFileSync(`${b}/x`, "");
  stage.close();
  stage.close();
  assertEquals(list(dir.path), []);
});

Deno.test("Stage.close() leaves what else lies in .ferry, also another stage", () => {
  using dir = tempDir();
  const [one, two] = [new Stage(dir.path), new Stage(dir.path)];
  one.newPath();
  const staged = two.newPath();
  Deno.writeTextFileSync(staged, "two");
  Deno.writeTextFileSync(`${dir.path}/.ferry/index`, "");
  one.close();
  assertEquals(Deno.readTextFileSync(staged), "two");
  two.close();
  assertEquals(list(`${dir.path}/.ferry`), ["index"]);
});

Deno.test("Stage.place() renames: a reader sees the old file or the new one", () => {
  using dir = tempDir();
  Deno.writeTextFileSync(`${dir.path}/f`, "old");
  using reader = Deno.openSync(`${dir.path}/f`);
  const stage = new Stage(dir.path);
  const staged = stage.newPath();
  Deno.writeTextFileSync(staged, "new");
  stage.place(staged, `${dir.path}/f`);
  const buffer = new Uint8Array(8);
  assertEquals(new TextDecoder().decode(buffer.subarray(0, reader.readSync(buffer)!)), "old");
  assertEquals(Deno.readTextFileSync(`${dir.path}/f`), "new");
  stage.close();
  assertEquals(list(dir.path), ["f"]);
});

Deno.test("Stage.place() goes to another file system too, and leaves nothing there but the file", (t) => {
  using dir = tempDir();
  let other: string;
  try {
    other = Deno.makeTempDirSync({ dir: "/dev/shm", prefix: "ferry-stage-" });
  } catch {
    return console.log(`${t.name}: skipped, there is no /dev/shm`);
  }
  try {
    if (Deno.statSync(other).dev === Deno.statSync(dir.path).dev) return;
    const stage = new Stage(dir.path);
    const staged = stage.newPath();
    Deno.writeTextFileSync(staged, "new");
    Deno.chmodSync(staged, 0o640);
    Deno.utimeSync(staged, new Date(5000), new Date(5000));
    stage.place(staged, `${other}/f`);
    const info = Deno.statSync(`${other}/f`);
    assertEquals([info.mode! & 0o777, info.mtime?.getTime(), list(other)], [0o640, 5000, ["f"]]);
    assertThrows(() => Deno.lstatSync(staged), Deno.errors.NotFound);
    const failing = stage.newPath();
    Deno.writeTextFileSync(failing, "x");
    Deno.mkdirSync(`${other}/d/full`, { recursive: true });
    assertThrows(() => stage.place(failing, `${other}/d`));
    assertEquals(list(other), ["d", "f"]);
    stage.close();
  } finally {
    Deno.removeSync(other, { recursive: true });
  }
});

Deno.test("Stage.newPath() says why there can be no stage", () => {
  using dir = tempDir();
  Deno.writeTextFileSync(`${dir.path}/.ferry`, "a file in its way");
  const error = assertThrows(() => new Stage(dir.path).newPath(), FerryError, dir.path);
  assertEquals(error.code, "write_failed");
});

Deno.test("removeStaleUploads() removes what a dead process left, and nothing that may be in use", () => {
  using dir = tempDir();
  const old = new Date(Date.now() - 2 * 60 * 60 * 1000);
  for (const name of ["dead", "alive", "working"]) {
    const path = `${dir.path}/.ferry/uploads/${name}`;
    Deno.mkdirSync(path, { recursive: true });
    Deno.writeTextFileSync(`${path}/0`, name);
    if (name !== "alive") Deno.utimeSync(path, old, old);
    // Files carry the times of their sources: the folder's own is what counts then.
    if (name === "dead") Deno.utimeSync(`${path}/0`, old, old);
  }
  removeStaleUploads(dir.path);
  assertEquals(list(`${dir.path}/.ferry/uploads`), ["alive", "working"]);
  removeStaleUploads(dir.path, Date.now() + 3 * 60 * 60 * 1000);
  assertEquals(list(dir.path), []);
  removeStaleUploads(dir.path);
  removeStaleUploads(`${dir.path}/none`);
});

Deno.test("removeStages() removes the stages of others at once, and no uploads", () => {
  using dir = tempDir();
  for (const path of ["stage/dead", "stage/own", "uploads/other"]) {
    Deno.mkdirSync(`${dir.path}/.ferry/${path}`, { recursive: true });
    Deno.writeTextFileSync(`${dir.path}/.ferry/${path}/0`, "x");
  }
  removeStages(dir.path, (path) => path.endsWith("/own"));
  assertEquals(list(`${dir.path}/.ferry/stage`), ["own"]);
  removeStages(dir.path);
  assertEquals(list(`${dir.path}/.ferry`), ["uploads"]);
  removeStages(`${dir.path}/none`);
});

Deno.test("removeStages() follows no link out of the root", () => {
  using dir = tempDir();
  Deno.mkdirSync(`${dir.path}/root/.ferry`, { recursive: true });
  Deno.mkdirSync(`${dir.path}/precious/sub`, { recursive: true });
  Deno.mkdirSync(`${dir.path}/root/.ferry/stage`);
  Deno.symlinkSync("../../../precious", `${dir.path}/root/.ferry/stage/link`);
  removeStages(`${dir.path}/root`);
  assertEquals(list(`${dir.path}/precious`), ["sub"]);
});

Deno.test("changeError() tells a conflict and a full disk from other trouble", () => {
  const cases: [string, FerryError["code"]][] = [
    ["x (os error 39)", "conflict"],
    ["x (os error 21)", "conflict"],
    ["x (os error 20)", "conflict"],
    ["x (os error 28)", "disk_full"],
    ["x (os error 5)", "write_failed"],
  ];
  for (const [message, code] of cases) {
    const error = changeError(new Error(message), "/some/path");
    assertEquals([error.code, error.message.includes("/some/path")], [code, true]);
  }
});
