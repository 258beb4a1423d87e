import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { FerryError } from "../../core/errors.ts";
import { LocalTree } from "./local_tree.ts";

function tempDir(): { path: string } & Disposable {
  const path = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "ferry-test-" }));
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}

Deno.test("LocalTree makes folders, and goes into those that are there", () => {
  using dir = tempDir();
  const tree = new LocalTree(`${dir.path}/new/root`);
  for (let round = 0; round < 2; round++) {
    for (const path of ["", "a", "a/b", "-x", "emoji 😀"]) tree.enter(path);
  }
  assertEquals(Deno.statSync(`${dir.path}/new/root/a/b`).isDirectory, true);
  // Where the user's own link leads to.
  Deno.symlinkSync(`${dir.path}/new/root`, `${dir.path}/link`);
  assertEquals(new LocalTree(`${dir.path}/link`).enter("").path, `${dir.path}/link`);
});

Deno.test("LocalTree follows no link below its root, and writes into no file", () => {
  using dir = tempDir();
  using outside = tempDir();
  Deno.symlinkSync(outside.path, `${dir.path}/out`);
  Deno.symlinkSync("/nonexistent", `${dir.path}/dangling`);
  Deno.writeTextFileSync(`${dir.path}/file`, "");
  const tree = new LocalTree(dir.path);
  const cases: [path: string, why: string][] = [
    ["out", "it is a symbolic link, which is not followed"],
    ["dangling", "it is a symbolic link, which is not followed"],
    ["file", "it is a file"],
  ];
  for (const [path, why] of cases) {
    const error = assertThrows(() => tree.enter(path), FerryError, why);
    assertEquals(error.code, "write_failed");
  }
  assertThrows(() => new LocalTree(`${dir.path}/file`).enter(""), FerryError, "file");
  assertEquals([...Deno.readDirSync(outside.path)], []);
});

Deno.test("LocalFolder tells what is to be done about a file", () => {
  using dir = tempDir();
  Deno.writeTextFileSync(`${dir.path}/here`, "12345");
  Deno.utimeSync(`${dir.path}/here`, 1_700_000_000.5, 1_700_000_000.5);
  Deno.mkdirSync(`${dir.path}/folder`);
  Deno.symlinkSync("here", `${dir.path}/link`);
  const folder = new LocalTree(dir.path).enter("");
  const file = { name: "here", kind: "file" } as const;
  const at = 1_700_000_000_500;
  assertEquals(folder.verdict({ ...file, name: "other" }, 1), { kind: "fetch" });
  assertEquals(folder.verdict(file, 1), { kind: "ask", size: 5, mtime: at });
  assertEquals(folder.verdict({ ...file, size: 5, mtime: at }, 1), { kind: "same" });
  assertEquals(folder.verdict({ ...file, size: 4, mtime: at }, 1), { kind: "fetch" });
  assertEquals(folder.verdict({ ...file, size: 5, mtime: at - 500 }, 1), { kind: "fetch" });
  // A listing that counts in seconds.
  assertEquals(folder.verdict({ ...file, size: 5, mtime: at - 500 }, 1000), { kind: "same" });
  assertEquals(folder.verdict({ ...file, size: 5, mtime: at + 500 }, 1000), { kind: "fetch" });
  for (const name of ["folder", "link"]) {
    const error = assertThrows(() => folder.verdict({ ...file, name }, 1), FerryError);
    assertStringIncludes(error.message, name === "link" ? "symbolic link" : "it is a folder");
  }
});
