import { assert, assertEquals } from "@std/assert";
import { libc } from "../libc.ts";
import { Durable } from "../write/durable.ts";
import { OpenFolders } from "./open_folders.ts";
import { SmallFiles } from "./small_files.ts";

/** Files of these contents by their paths, as a batch. */
function batchOf(files: Record<string, string>) {
  const contents = Object.values(files).map((text) => new TextEncoder().encode(text));
  const buffer = new ArrayBuffer(contents.reduce((sum, { length }) => sum + length, 0));
  const offsets = new Uint32Array(contents.length);
  let at = 0;
  for (const [index, content] of contents.entries()) {
    offsets[index] = at;
    new Uint8Array(buffer).set(content, at);
    at += content.length;
  }
  const lengths = Uint32Array.from(contents, ({ length }) => length);
  return { buffer, offsets, lengths, paths: Object.keys(files), digests: false };
}

/** Everything below `dir`, by its path. */
function treeOf(dir: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { name, isDirectory } of Deno.readDirSync(dir)) {
    const path = `${dir}/${name}`;
    if (isDirectory) Object.assign(found, treeOf(path));
    else found[path] = Deno.readTextFileSync(path);
  }
  return found;
}

/** Numbered files, each in a folder of its own. */
function scattered(root: string, from: number, count: number): Record<string, string> {
  const files: Record<string, string> = {};
  for (let n = from; n < from + count; n++) {
    Deno.mkdirSync(`${root}/d${n}`);
    files[`${root}/d${n}/f${n}`] = `content ${n}`;
  }
  return files;
}

Deno.test({
  name: "SmallFiles puts each file into its own folder, however many folders wait for the disk",
  ignore: libc() === null,
  fn: async () => {
    const root = Deno.makeTempDirSync();
    const disk = Promise.withResolvers<void>();
    const synced: string[] = [];
    const one = async (path: string) => {
      await disk.promise;
      synced.push(path);
    };
    const durable = new Durable({ all: null, one, close: () => {} });
    const files = new SmallFiles(libc(), new OpenFolders(libc()!, () => durable));
    try {
      const first = scattered(root, 0, 200), second = scattered(root, 200, 200);
      const under = [files.write(batchOf(first)), files.write(batchOf(second))];
      assertEquals(treeOf(root), {}, "nothing has a name before it is on the disk");
      disk.resolve();
      for (const result of await Promise.all(under)) assertEquals(result.faults, []);
      assertEquals(treeOf(root), { ...first, ...second });
      assertEquals(synced.length, 400);
    } finally {
      files.close();
      Deno.removeSync(root, { recursive: true });
    }
  },
});

Deno.test("SmallFiles leaves what is in the way to a PartFile, and no file becomes another one", async () => {
  const root = Deno.makeTempDirSync();
  const files = new SmallFiles();
  try {
    Deno.writeTextFileSync(`${root}/old`, "old", { mode: 0o640 });
    Deno.writeTextFileSync(`${root}/left.ferry-part`, "the beginning of another one");
    Deno.mkdirSync(`${root}/folder`);
    const batch = batchOf({
      [`${root}/old`]: "new",
      [`${root}/left`]: "whole",
      [`${root}/folder`]: "a file",
      [`${root}/none/f`]: "nowhere",
      [`${root}/${"x".repeat(255)}`]: "a long name",
    });
    const { faults } = await files.write({ ...batch, mtimes: Float64Array.of(NaN, 1e12, NaN, NaN, NaN) });
    assertEquals(faults.map(({ index }) => index).sort(), [2, 3]);
    assert(faults.every(({ error }) => error !== null));
    const there = treeOf(root);
    assertEquals(there, {
      [`${root}/old`]: "new",
      [`${root}/left`]: "whole",
      [`${root}/${"x".repeat(255)}`]: "a long name",
    });
    assertEquals(Deno.statSync(`${root}/old`).mode! & 0o777, 0o640);
    assertEquals(Deno.statSync(`${root}/left`).mtime!.getTime(), 1e12);
  } finally {
    files.close();
    Deno.removeSync(root, { recursive: true });
  }
});

Deno.test("SmallFiles writes file by file what the disk did not take together", async () => {
  const root = Deno.makeTempDirSync();
  const fails = () => Promise.reject(new Error("the disk is gone"));
  const calls = libc();
  const folders = calls &&
    new OpenFolders(calls, () => new Durable({ all: null, one: fails, close: () => {} }));
  const files = new SmallFiles(calls, folders);
  try {
    const { faults } = await files.write(batchOf({ [`${root}/a`]: "1", [`${root}/b`]: "2" }));
    assertEquals([faults, treeOf(root)], [[], { [`${root}/a`]: "1", [`${root}/b`]: "2" }]);
    assert(calls === null || [...Deno.readDirSync(root)].length === 2);
  } finally {
    files.close();
    Deno.removeSync(root, { recursive: true });
  }
});

Deno.test({
  name: "SmallFiles tries again what could not be written while others waited for the disk",
  ignore: libc() === null,
  fn: async () => {
    const root = Deno.makeTempDirSync();
    const disk = Promise.withResolvers<void>();
    // As descriptors come back: what is missing is there when the files before have been written.
    const one = async () => {
      await disk.promise;
      Deno.mkdirSync(`${root}/late`, { recursive: true });
    };
    const durable = new Durable({ all: null, one, close: () => {} });
    const files = new SmallFiles(libc(), new OpenFolders(libc()!, () => durable));
    try {
      const under = [{ [`${root}/a`]: "1" }, { [`${root}/late/b`]: "2", [`${root}/never/c`]: "3" }]
        .map((batch) => files.write(batchOf(batch)));
      disk.resolve();
      const [first, second] = await Promise.all(under);
      assertEquals([first.faults, second.faults.map(({ index }) => index)], [[], [1]]);
      assertEquals(treeOf(root), { [`${root}/a`]: "1", [`${root}/late/b`]: "2" });
    } finally {
      files.close();
      Deno.removeSync(root, { recursive: true });
    }
  },
});
