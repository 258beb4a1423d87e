/** Contents that are in a store and not yet in their place. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Operation } from "../../wire/operation.ts";
import type { Content } from "../../wire/stream.ts";
import type { WriteSession } from "../store.ts";
import { type Bench, code, content, encode, frame, HOLDER, list, MTIME, type Test } from "./bench.ts";

/** Stages small files from what is left here, as a run on this machine does; whether each was there. */
async function reuseHere({ store }: Bench, session: WriteSession, paths: string[]): Promise<boolean[]> {
  const there: boolean[] = [];
  for (const [at, path] of paths.entries()) {
    const entry = { kind: "file" as const, size: path.length, mtime: MTIME, mode: 0o640 };
    const content = store.leftOver?.(path, entry) ?? null;
    there.push(content !== null);
    if (content !== null) await session.stage([{ ...frame(10 + at, "", 0o640), content }]);
  }
  return there;
}

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

  test("close() leaves what waits of a first copy for the next run when the run was broken off", async (bench) => {
    const { store, at } = bench;
    const paths = ["a/shown", "a/b/waits", "c/waits", "waits", "a/other"];
    const entry = (path: string) => ({ kind: "file" as const, size: path.length, mtime: MTIME, mode: 0o640 });
    await store.lock(HOLDER);
    const first = await store.write({ first: true });
    await first.stage(paths.map((path, index) => frame(index, path, 0o640)), paths);
    const operations: Operation[] = [
      { op: "mkdir", path: "a", mode: 0o755, expect: null },
      { op: "file", path: "a/shown", stage: 0, mode: 0o640, mtime: MTIME, expect: null },
    ];
    assertEquals((await first.commit(operations)).map(code), [null, null]);
    await first.close({ broken: true });
    // What was done stays done; nothing else shows.
    assertEquals([list(at()), list(at("a"))].map((names) => names.filter((name) => name !== ".ferry")), [
      ["a"],
      ["shown"],
    ]);

    await store.lock(HOLDER);
    const next = await store.write();
    const wanted = ["a/b/waits", "c/waits", "waits", "none"];
    const there = await next.reuse?.(wanted.map((path, at) => ({ path, stage: 10 + at, ...entry(path) }))) ??
      await reuseHere(bench, next, wanted);
    assertEquals(there, [true, true, true, false]);
    // Once: else each run that breaks off would leave all of it anew.
    assertEquals(store.leftOver?.("waits", entry("waits")) ?? null, null);
    const places = wanted.slice(0, 3).map((path, index): Operation => (
      {
        op: "file",
        path: path.replaceAll("/", "-"),
        stage: 10 + index,
        mode: 0o640,
        mtime: MTIME,
        expect: null,
      }
    ));
    assertEquals((await next.commit(places)).map(code), [null, null, null]);
    await next.close();
    for (const path of wanted.slice(0, 3)) {
      assertEquals(Deno.readTextFileSync(at(path.replaceAll("/", "-"))), path);
    }
    assertEquals(list(at()), ["a", "a-b-waits", "c-waits", "waits"]);
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
