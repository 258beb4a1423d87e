/** Files out of a store: small ones in packs, one of any size piece by piece. */
import { assert, assertEquals } from "@std/assert";
import { FerryError } from "../../core/errors.ts";
import { SMALL_FILE_BYTES } from "../../wire/limits.ts";
import { encode, MTIME, take, type Test, write } from "./bench.ts";

/** Registers the tests with `test`. */
export function testRead(test: Test): void {
  test("read() gives small files in order, and problems for those that it cannot give", async (bench) => {
    const { store, at, outside } = bench;
    write(at("a"), "first");
    Deno.chmodSync(at("a"), 0o604);
    write(at("empty"), "");
    Deno.mkdirSync(at("dir"));
    write(outside("secret"), "secret");
    Deno.symlinkSync(outside("secret"), at("out"));
    Deno.mkdirSync(outside("other"));
    write(outside("other/f"), "secret");
    Deno.symlinkSync("../other", at("way"));
    Deno.symlinkSync("a", at("in"));
    using files = await store.read(["a", "gone", "dir", "out", "way/f", "in", "empty", "a/below"]);
    assertEquals(files.frames.map((one, index) => one.index === index), Array(8).fill(true));
    assertEquals(files.frames[0], {
      kind: "file",
      index: 0,
      mtime: MTIME,
      mode: 0o604,
      content: encode("first"),
    });
    assertEquals(
      files.frames.map((one) => one.kind === "problem" ? one.code : one.content.length),
      [5, "vanished", "changed", "changed", "vanished", "changed", 0, "vanished"],
    );
  });

  test("read() takes as many files as a pack may hold, of any size a small one may have", async ({ store, at }) => {
    const names = Array.from({ length: 500 }, (_, i) => `f${i}`);
    for (const [index, path] of names.entries()) write(at(path), `${index}`.repeat(index));
    write(at("large"), new Uint8Array(SMALL_FILE_BYTES).fill(7));
    using files = await store.read([...names, "large"]);
    for (const [index, one] of files.frames.entries()) {
      assert(one.kind === "file" && one.index === index);
      const expected = index === 500 ? SMALL_FILE_BYTES : `${index}`.length * index;
      assertEquals(one.content.length, expected);
      if (index < 500) assertEquals(new TextDecoder().decode(one.content), `${index}`.repeat(index));
    }
  });

  test("open() gives a file of any size piece by piece", async ({ store, at }) => {
    const bytes = new Uint8Array(3_333_333).map((_, index) => index * 31 >> 3);
    write(at("big"), bytes, 77);
    Deno.chmodSync(at("big"), 0o600);
    const opened = await store.open("big");
    assert(opened.kind === "content");
    assertEquals(opened.meta, { size: bytes.length, mtime: 77, mode: 0o600 });
    assertEquals(await take(opened), bytes);
    assertEquals(opened.outcome(), null);
    opened[Symbol.dispose]();
  });

  test("open() has a problem for what is no file below the root", async ({ store, at, outside }) => {
    Deno.mkdirSync(at("dir"));
    write(outside("secret"), "secret");
    Deno.symlinkSync(outside("secret"), at("out"));
    new Deno.Command("mkfifo", { args: [at("pipe")] }).outputSync();
    for (const path of ["gone", "dir", "out", "pipe", "gone/deep"]) {
      const opened = await store.open(path);
      assertEquals([path, opened.kind], [path, "problem"]);
    }
  });

  test("open() says of a file that grew or shrank meanwhile that it changed", async ({ store, at }) => {
    for (
      const change of [
        (path: string) => write(path, new Uint8Array(40_000_001)),
        (path: string) => Deno.truncateSync(path, 10),
      ]
    ) {
      write(at("log"), new Uint8Array(40_000_000));
      const opened = await store.open("log");
      assert(opened.kind === "content");
      await opened.next();
      change(at("log"));
      try {
        await take(opened);
        assertEquals(opened.outcome()?.code, "changed");
      } catch (error) {
        // A server can only break off; what has become of the file is found out by opening it again.
        assertEquals((error as FerryError).code, "partial_transfer");
      }
      opened[Symbol.dispose]();
    }
  });

  test("open() leaves out the beginning of a file that is still the same version", async ({ store, at }) => {
    const bytes = new Uint8Array(3_000_000).map((_, i) => i * 7 >> 3);
    write(at("f"), bytes, 5000);
    const point = { size: bytes.length, mtime: 5000 };
    for (const offset of [0, 1, 1_500_000, 3_000_000]) {
      const opened = await store.open("f", { ...point, offset });
      assert(opened.kind === "content");
      assertEquals([opened.meta.size, opened.rest?.offset ?? 0], [bytes.length, offset]);
      if (opened.rest?.kind === "peer") opened.rest.seed(bytes.subarray(0, offset));
      if (opened.rest?.kind === "local") {
        let left = 0;
        await opened.rest.beginning((part) => void (left += part.length));
        assertEquals(left, offset);
      }
      assertEquals(await take(opened), bytes.slice(offset));
      assertEquals(opened.outcome(), null);
      opened[Symbol.dispose]();
    }
    for (const other of [{ size: 2_999_999 }, { mtime: 5001 }, { offset: 3_000_001 }]) {
      const opened = await store.open("f", { ...point, offset: 1, ...other });
      assertEquals([opened.kind, opened.kind === "problem" && opened.code], ["problem", "changed"]);
    }
  });
}
