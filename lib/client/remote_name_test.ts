import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { FerryError } from "../core/errors.ts";
import { remoteName } from "./remote_name.ts";

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
    assert(new TextEncoder().encode(name).length <= 239);
  });
  fc.assert(property);
});

Deno.test("remoteName() cuts long names before their extension and refuses folders", () => {
  const name = remoteName(new URL(`http://h/${encodeURIComponent("é".repeat(200))}.tar.gz`));
  assert(name.endsWith("é.tar.gz") || name.endsWith("é.gz") || name.endsWith(".gz"));
  assertEquals(name.isWellFormed(), true);
  for (const path of ["/", "/a/", "/%20"]) {
    assertThrows(() => remoteName(new URL("http://h" + path)), FerryError, "--output");
  }
});
