import { assertEquals, assertThrows } from "@std/assert";
import { FolderLooks } from "./folder_looks.ts";

Deno.test("FolderLooks tell what the runtime tells, of whatever is there", () => {
  const dir = Deno.makeTempDirSync();
  try {
    Deno.mkdirSync(`${dir}/folder`);
    Deno.writeTextFileSync(`${dir}/file ü`, "content");
    Deno.writeTextFileSync(`${dir}/future`, "");
    Deno.utimeSync(`${dir}/future`, 1, 5_000_000_000.5);
    Deno.utimeSync(`${dir}/file ü`, 1, 1_234_567_890.123);
    Deno.symlinkSync("file ü", `${dir}/link`);
    Deno.truncateSync(`${dir}/future`, 5_000_000_000);
    const looks = new FolderLooks();
    const told = (
      { isFile, isDirectory, isSymlink, size, mtime, birthtime, mode, ino, dev }: Deno.FileInfo,
    ) => ({
      isFile,
      isDirectory,
      isSymlink,
      size: isFile ? size : 0,
      mtime,
      birthtime,
      mode,
      ino,
      dev,
    });
    for (const folder of [dir, "/dev", "/", "/proc/self"]) {
      assertEquals(
        looks.names(folder).sort(),
        Array.from(Deno.readDirSync(folder), ({ name }) => name).sort(),
      );
    }
    for (
      const [folder, name] of [...looks.names(dir).map((name) => [dir, name]), ["/dev", "null"], ["/", "tmp"]]
    ) {
      const known = Deno.lstatSync(`${folder}/${name}`);
      assertEquals(told(looks.at(folder, name) as Deno.FileInfo), told(known), name);
    }
    assertThrows(() => looks.at(dir, "none"), Deno.errors.NotFound);
    assertThrows(() => looks.at(`${dir}/none`, "x"), Deno.errors.NotFound);
    assertThrows(() => looks.names(`${dir}/none`), Deno.errors.NotFound);
    looks.rest();
    assertEquals(looks.at(dir, "folder").isDirectory, true);
    looks.rest();
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});
