import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { FerryError } from "../core/errors.ts";
import { numbered, remoteName, serverName } from "./remote_name.ts";

Deno.test("remoteName() is always one harmless name", () => {
  const property = fc.property(fc.webPath(), fc.string({ unit: "binary" }), (path, odd) => {
    let name: string;
    try {
      name = remoteName(new URL(`http://h${path}/${encodeURIComponent(odd.toWellFormed())}`));
    } catch (error) {
      assert(error instanceof FerryError);
      return;
    }
    // deno-lint-ignore no-control-regex -- control characters are what this is about
    assert(!/[\u0000-\u001f\u007f-\u009f/\\\u202e]/.test(name), name);
    assert(!name.startsWith(".") && name !== "" && name === name.trim());
    assert(new TextEncoder().encode(name).length <= 255);
  });
  fc.assert(property);
});

Deno.test("remoteName() cuts long names before their extension and refuses folders", () => {
  const name = remoteName(new URL(`http://h/${encodeURIComponent("é".repeat(200))}.tar.gz`));
  assert(name.endsWith("é.tar.gz") || name.endsWith("é.gz") || name.endsWith(".gz"));
  assertEquals(name.isWellFormed(), true);
  for (const [given, length] of [[255, 255], [256, 255], [1000, 255]]) {
    const cut = remoteName(new URL(`http://h/${"n".repeat(given - 4)}.txt`));
    assertEquals([cut.length, cut.endsWith("n.txt")], [length, true]);
  }
  for (const path of ["/", "/a/", "/%20"]) {
    assertThrows(() => remoteName(new URL("http://h" + path)), FerryError, "--output");
  }
});

Deno.test("serverName() takes what the server says, made harmless", () => {
  const url = new URL("http://h/dir/typed.bin");
  const cases: [string | null, string][] = [
    [null, "typed.bin"],
    ["inline", "typed.bin"],
    ["attachment; filename=told.txt", "told.txt"],
    ['attachment; filename="../../etc/passwd"', "passwd"],
    ['attachment; filename="C:\\\\dir\\\\evil.exe"', "evil.exe"],
    ["attachment; filename=.bashrc", "_bashrc"],
    ["attachment; filename=..", "typed.bin"],
    ["attachment; filename=.", "typed.bin"],
    ['attachment; filename="dir/"', "typed.bin"],
    ["attachment; filename=-rf", "_rf"],
    ['attachment; filename=" .hidden"', "_hidden"],
    ['attachment; filename="name. . "', "name"],
    ["attachment; filename*=UTF-8''a%0Ab%1B%5B31m%E2%80%AEtxt", "a_b_[31m_txt"],
    ["attachment; filename*=UTF-8''..%2f..%2fx", "x"],
    ["attachment; filename*=UTF-8''%2e%2e", "typed.bin"],
    ["attachment; filename=big.iso.ferry-part", "big.iso_ferry-part"],
    ["attachment; filename=big.iso.FERRY-PART.json", "big.iso_ferry-part.json"],
    ["attachment; filename=" + "n".repeat(300) + ".txt", "n".repeat(235) + ".txt"],
  ];
  for (const [told, name] of cases) {
    const headers = new Headers(told === null ? {} : { "content-disposition": told });
    assertEquals([told, serverName({ headers, url })], [told, name]);
  }
  const nameless = { headers: new Headers(), url: new URL("http://h/dir/") };
  assertThrows(() => serverName(nameless), FerryError, "--output FILE");
});

Deno.test("serverName() is always one harmless name", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (odd) => {
    const value = `attachment; filename*=UTF-8''${encodeURIComponent(odd.toWellFormed())}`;
    const name = serverName({
      headers: new Headers({ "content-disposition": value }),
      url: new URL("http://h/x"),
    });
    // deno-lint-ignore no-control-regex -- control characters are what this is about
    assert(!/^[.-]|[\u0000-\u001f\u007f-\u009f/\\\u202e]|[.\s]$|\.ferry-part$/.test(name), name);
    assert(name !== "" && new TextEncoder().encode(name).length <= 239);
  }));
});

Deno.test("numbered() puts the number before the extension and stays short enough", () => {
  const cases: [string, number, string][] = [
    ["a.txt", 0, "a.txt"],
    ["a.txt", 1, "a (1).txt"],
    ["dir.d/a", 2, "dir.d/a (2)"],
    ["/x/a.tar.gz", 10, "/x/a (10).tar.gz"],
    ["_bashrc", 1, "_bashrc (1)"],
    [`${"n".repeat(235)}.txt`, 1, `${"n".repeat(231)} (1).txt`],
  ];
  for (const [path, number, name] of cases) assertEquals(numbered(path, number), name);
});

Deno.test("serverName() reads the longest of names in one go", () => {
  // To the square of its length this would take hours.
  const name = `${".".repeat(2_000_000)}x`;
  const headers = new Headers({ "content-disposition": `attachment; filename="${name}"` });
  assertEquals(serverName({ headers, url: new URL("http://h/a") }).length, 239);
});
