import { assert, assertEquals, assertRejects } from "@std/assert";
import { inParallel } from "./in_parallel.ts";

const forever = new AbortController().signal;
const rest = () => new Promise<void>((resolve) => setTimeout(resolve, 0));

Deno.test("inParallel() does each item once, so many at a time, and takes them only when there is room", async () => {
  for (const width of [1, 3, 50]) {
    let taken = 0, running = 0, most = 0;
    const done: number[] = [];
    const items = function* () {
      for (; taken < 20; taken++) yield taken;
    };
    await inParallel(items(), { width, signal: forever }, async (item) => {
      most = Math.max(most, ++running);
      assert(taken - done.length <= width);
      await rest();
      running--;
      done.push(item);
    });
    assertEquals([done.length, new Set(done).size, most], [20, 20, Math.min(width, 20)]);
  }
});

Deno.test("inParallel() begins those that come late while others run", async () => {
  const first = Promise.withResolvers<void>();
  const items = async function* () {
    yield "first";
    await rest();
    yield "second";
  };
  const begun: string[] = [];
  await inParallel(items(), { width: 2, signal: forever }, (item) => {
    begun.push(item);
    if (item === "second") first.resolve();
    return first.promise;
  });
  assertEquals(begun, ["first", "second"]);
});

Deno.test("inParallel() begins nothing after a failure, and waits for what is under way", async () => {
  const done: number[] = [];
  const run = inParallel([1, 2, 3, 4], { width: 2, signal: forever }, async (item) => {
    if (item === 1) throw new TypeError("one");
    await rest();
    done.push(item);
  });
  await assertRejects(() => run, TypeError, "one");
  assertEquals(done, [2]);
});

Deno.test("inParallel() ends when it is stopped, even where the next item never comes", async () => {
  const stop = new AbortController();
  const items = async function* () {
    yield 1;
    await new Promise<void>(() => {});
  };
  const run = inParallel(items(), { width: 2, signal: stop.signal }, () => Promise.resolve());
  await rest();
  stop.abort(new TypeError("stopped"));
  await assertRejects(() => run, TypeError, "stopped");
  await assertRejects(() => inParallel([1], { width: 1, signal: stop.signal }, rest), TypeError, "stopped");
});

Deno.test("inParallel() throws what its items do", async () => {
  const items = function* () {
    yield 1;
    throw new TypeError("no more");
  };
  await assertRejects(() => inParallel(items(), { width: 4, signal: forever }, rest), TypeError, "no more");
});
