import { assertEquals, assertThrows } from "@std/assert";
import { FerryError } from "../core/errors.ts";
import { checkEtagPath, readEtag, saveEtag } from "./etag_file.ts";

function withDir(work: (dir: string) => void): void {
  const dir = Deno.makeTempDirSync();
  try {
    work(dir);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
}

Deno.test("readEtag() gives what saveEtag() wrote, and nothing for what is no ETag", () => {
  withDir((dir) => {
    const path = `${dir}/etag`;
    assertEquals(readEtag(path), null);
    for (const etag of ['"a"', 'W/"a b"', '""', '"\xe9"']) {
      saveEtag(path, etag);
      assertEquals(readEtag(path), etag);
    }
    for (const odd of [null, "", "a", '"a', '"a"b"', '"a\r\nX: y"', `"${"a".repeat(9000)}"`]) {
      saveEtag(path, '"old"');
      saveEtag(path, odd);
      assertEquals([odd, readEtag(path)], [odd, null]);
    }
    assertEquals([...Deno.readDirSync(dir)].map(({ name }) => name), ["etag"]);
  });
});

Deno.test("readEtag() takes an ETag as other programs leave it, and refuses what is none", () => {
  withDir((dir) => {
    const path = `${dir}/etag`;
    for (const [text, etag] of [['"a"', '"a"'], ['"a"\r\n', '"a"'], [" \n", null]]) {
      Deno.writeTextFileSync(path, text!);
      assertEquals(readEtag(path), etag);
    }
    for (const text of ["a", '"a"\n"b"', "x".repeat(10_000)]) {
      Deno.writeTextFileSync(path, text);
      assertThrows(() => readEtag(path), FerryError, "no ETag");
    }
    assertThrows(() => readEtag(dir), FerryError, dir);
  });
});

Deno.test("checkEtagPath() refuses where no file can be", () => {
  withDir((dir) => {
    checkEtagPath(`${dir}/etag`);
    for (const path of [dir, `${dir}/none/etag`, `${dir}/`]) {
      assertThrows(() => checkEtagPath(path), FerryError, "cannot write");
    }
  });
});
