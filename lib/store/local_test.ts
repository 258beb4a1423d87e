import { assertEquals, assertRejects } from "@std/assert";
import { FerryError } from "../core/errors.ts";
import { testStore } from "./conformance/suite.ts";
import { LocalStore } from "./local.ts";

testStore("LocalStore", (root, name) => {
  const store = new LocalStore(`${root}/${name}`);
  return {
    store,
    [Symbol.asyncDispose]: () => Promise.resolve(store.close()),
  };
});

Deno.test("LocalStore.write() names a folder that it cannot make", async () => {
  const root = Deno.makeTempDirSync({ prefix: "ferry-store-" });
  try {
    Deno.writeTextFileSync(`${root}/file`, "x");
    const store = new LocalStore(`${root}/file/below`);
    assertEquals(await store.kind(), "absent");
    const error = await assertRejects(() => store.write(), FerryError, `${root}/file/below`);
    assertEquals(error.code, "write_failed");
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});
