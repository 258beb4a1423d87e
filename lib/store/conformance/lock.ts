/** One writer at a time. */
import { assertEquals, assertRejects } from "@std/assert";
import { FerryError } from "../../core/errors.ts";
import { code, frame, HOLDER, list, type Test } from "./bench.ts";

/** Registers the tests with `test`. */
export function testLock(test: Test): void {
  test("lets one writer in at a time, and says who it is", async ({ store, at, beside }) => {
    await using other = await beside("place");
    await store.lock({ source: "/from/here", host: "one.example", pid: 4711, since: 1_700_000_000_000 });
    for (const attempt of [() => other.store.lock(HOLDER), () => other.store.write()]) {
      const error = await assertRejects(attempt, FerryError, "/from/here, process ");
      assertEquals(error.code, "locked");
    }
    const session = await store.write();
    await assertRejects(() => other.store.write(), FerryError, "since 2023-11-14T22:13:20Z");
    await session.stage([frame(0, "a")]);
    await session.commit([{ op: "file", path: "f", stage: 0, mode: 0o644, mtime: 1, expect: null }]);
    await session.close();
    const next = await other.store.write();
    assertEquals((await next.commit([{ op: "mkdir", path: "d", mode: 0o755, expect: null }])).map(code), [
      null,
    ]);
    await next.close();
    assertEquals(list(at()), ["d", "f"]);
  });

  test("unlock() ends a lock that nothing was written under, and leaves nothing", async ({ store, at, beside }) => {
    await using other = await beside("place");
    for (const one of [store, other.store, store]) {
      await one.lock(HOLDER);
      await one.unlock();
      await one.unlock();
    }
    assertEquals(list(at()), []);
  });

  test("lock() says nothing of a place that is not there yet", async ({ store, at }) => {
    await store.lock(HOLDER);
    assertEquals(await store.kind(), "absent");
    const session = await store.write();
    await session.commit([{ op: "mkdir", path: "d", mode: 0o755, expect: null }]);
    await session.close();
    assertEquals(list(at()), ["d"]);
  }, null);
}
