import { assertEquals, assertThrows } from "@std/assert";
import { FerryError } from "../../core/errors.ts";
import { KnownEtags } from "./known_etags.ts";

Deno.test("KnownEtags keeps the ETags of files that are as they were", () => {
  const dir = Deno.makeTempDirSync({ prefix: "ferry-test-" });
  try {
    Deno.mkdirSync(`${dir}/x`);
    for (const name of ["a", "x/ü"]) {
      Deno.writeTextFileSync(`${dir}/${name}`, "12345");
      Deno.utimeSync(`${dir}/${name}`, 1_700_000_000, 1_700_000_000);
    }
    const here = { size: 5, mtime: 1_700_000_000_000 };
    const first = new KnownEtags(dir);
    first.save();
    assertEquals([...Deno.readDirSync(dir)].map(({ name }) => name).sort(), ["a", "x"]);
    first.set("a", '"1"');
    first.set("x/ü", 'W/"2"');
    first.save();
    const second = new KnownEtags(dir);
    assertEquals([second.of("a", here), second.of("x/ü", here), second.of("b", here)], [
      '"1"',
      'W/"2"',
      null,
    ]);
    assertEquals([second.of("a", { ...here, size: 6 }), second.of("a", { ...here, mtime: 0 })], [null, null]);
    second.set("a", null);
    second.set("x/ü", '"with\nbreak"');
    second.save();
    assertEquals(new KnownEtags(dir).of("x/ü", here), null);
    for (
      const text of [
        "",
        "{",
        "null",
        '{"etags":{"../x":{"etag":"\\"1\\"","size":5,"mtime":0}}}',
        '{"etags":[1]}',
      ]
    ) {
      Deno.writeTextFileSync(`${dir}/.ferry/mirror.json`, text);
      assertEquals(new KnownEtags(dir).of("../x", { size: 5, mtime: 0 }), null);
    }
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test("KnownEtags writes through no link", () => {
  const dir = Deno.makeTempDirSync({ prefix: "ferry-test-" });
  try {
    Deno.mkdirSync(`${dir}/outside`);
    Deno.mkdirSync(`${dir}/mirror`);
    Deno.writeTextFileSync(`${dir}/mirror/a`, "");
    Deno.symlinkSync("../outside", `${dir}/mirror/.ferry`);
    const known = new KnownEtags(`${dir}/mirror`);
    known.set("a", '"1"');
    assertThrows(() => known.save(), FerryError, "symbolic link");
    assertEquals([...Deno.readDirSync(`${dir}/outside`)], []);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test("KnownEtags waits for no pipe, and forgets a file that has gone", () => {
  const dir = Deno.makeTempDirSync({ prefix: "ferry-test-" });
  try {
    Deno.mkdirSync(`${dir}/.ferry`);
    new Deno.Command("mkfifo", { args: [`${dir}/.ferry/mirror.json`] }).outputSync();
    const known = new KnownEtags(dir);
    known.set("gone", '"1"');
    assertEquals(known.of("gone", { size: 0, mtime: 0 }), null);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});
