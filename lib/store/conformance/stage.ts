/** Contents that are in a store and not yet in their place. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Operation } from "../../wire/operation.ts";
import type { Content } from "../../wire/stream.ts";
import { code, content, encode, frame, HOLDER, list, MTIME, type Test } from "./bench.ts";

/** Registers the tests with `test`. */
export function testStage(test: Test): void {
  test("stageContent() goes on where it broke off, and begins anew when that does not fit", async ({ store, at }) => {
    const bytes = new Uint8Array(5_000_000).map((_, i) => i * 11 >> 3);
    const version = { path: "big", size: bytes.length, mtime: MTIME };
    await store.lock(HOLDER);
    const broken = async () => {
      const session = await store.write();
      assertEquals(await session.resumable(version), 0);
      let given = 0;
      const breaking: Content = {
        ...content(bytes),
        next: () => {
          if (given >= 3_000_000) throw new Error("the connection broke");
          return bytes.slice(given, given += 300_000);
        },
      };
      await assertRejects(() => session.stageContent(0, breaking, "big"));
      await session.close({ broken: true });
    };
    await broken();
    const session = await store.write();
    const offset = await session.resumable(version);
    assert(offset > 0 && offset <= 3_000_000, String(offset));
    assertEquals(await session.resumable({ ...version, mtime: 5 }), 0);
    const rest = (of: Uint8Array): Content => ({
      ...content(of.subarray(offset)),
      meta: { size: of.length, mtime: version.mtime, mode: 0o440 },
      rest: {
        kind: "local",
        offset,
        beginning: (take) => Promise.resolve(take(of.subarray(0, offset))),
      },
    });
    assertEquals(code(await session.stageContent(1, rest(bytes), "big")), null);
    assertEquals(await session.resumable(version), bytes.length);
    const put = (path: string, stage: number): Operation[] => [
      { op: "file", path, stage, mode: 0o440, mtime: 1000, expect: null },
    ];
    assertEquals((await session.commit(put("big", 1))).map(code), [null]);
    assertEquals(Deno.readFileSync(at("big")), bytes);
    // Nothing is there any more to go on with.
    assertEquals(code(await session.stageContent(2, rest(bytes), "big")), "missing");
    await session.close();
    Deno.removeSync(at("big"));
    await broken();
    await store.lock(HOLDER);
    await store.unlock();
    assertEquals(list(at()), []);
  });

  test("stage() replaces what was staged under the same number", async ({ store, at }) => {
    const session = await store.write();
    await session.stage([frame(5, "first")]);
    await session.stage([frame(5, "second")]);
    assertEquals(code(await session.stageContent(5, content(encode("third")))), null);
    assertEquals(
      (await session.commit([{ op: "file", path: "f", stage: 5, mode: 0o644, mtime: 1, expect: null }])).map(
        code,
      ),
      [null],
    );
    await session.close();
    assertEquals([Deno.readTextFileSync(at("f")), list(at())], ["third", ["f"]]);
  });

  test("stageContent() keeps nothing of content that is not whole", async ({ store, at }) => {
    const session = await store.write();
    const changed = { code: "changed" as const, message: "it changed while it was read" };
    assertEquals(
      code(await session.stageContent(0, content(encode("part"), { outcome: changed }))),
      "changed",
    );
    const short = content(new Uint8Array(700_000), { size: 900_000, outcome: changed });
    assertEquals(code(await session.stageContent(1, short)), "changed");
    // The session is not the worse for it.
    assertEquals(code(await session.stageContent(2, content(encode("whole")))), null);
    const outcomes = await session.commit([0, 1, 2].map((stage) => (
      { op: "file", path: `f${stage}`, stage, mode: 0o644, mtime: 1, expect: null }
    )));
    assertEquals(outcomes.map(code), ["missing", "missing", null]);
    await session.close();
    assertEquals(list(at()), ["f2"]);
  });

  test("close() drops what was staged and not placed", async ({ store, at }) => {
    const session = await store.write();
    await session.stage([frame(0, "x"), frame(1, "y")]);
    await session.stageContent(2, content(encode("z")));
    assert(list(at("..")).concat(list(at())).includes(".ferry"), "it is staged below the root");
    await session.close();
    assertEquals([list(at()), list(at(".."))], [[], ["place"]]);
  });
}
