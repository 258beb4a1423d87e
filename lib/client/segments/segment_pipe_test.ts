import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { StreamSink } from "../sink.ts";
import { SegmentPipe } from "./segment_pipe.ts";

const NEVER = new AbortController().signal;

/** A pipe into memory; `slow` makes each write wait. */
function pipe(window: number, slow: boolean) {
  const out: number[] = [];
  const errors: unknown[] = [];
  let fail = false;
  const sink = new StreamSink({
    write: () => {},
    async writeAsync(bytes) {
      const copy = [...bytes];
      if (slow) await new Promise((resolve) => setTimeout(resolve, 0));
      if (fail) throw new Deno.errors.BrokenPipe("gone");
      out.push(...copy);
    },
  });
  const store = new SegmentPipe(sink, { window, moved: () => {}, failed: (error) => errors.push(error) });
  return { out, errors, store, breaks: () => fail = true };
}

Deno.test("SegmentPipe puts what comes within its window in order, however it comes", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(60),
      fc.integer({ min: 1, max: 20 }),
      fc.boolean(),
      fc.infiniteStream(fc.nat(1000)),
      async (size, window, slow, picks) => {
        const { out, store } = pipe(window, slow);
        const missing = new Set(Array.from({ length: size }, (_, at) => at));
        while (missing.size > 0) {
          const open = [...missing].filter((at) => at < store.before);
          const at = open[picks.next().value! % Math.max(1, open.length)];
          if (at === undefined) {
            await new Promise((resolve) => setTimeout(resolve, 0));
            continue;
          }
          let end = at;
          while (end < Math.min(at + 5, store.before) && missing.delete(end)) end++;
          store.write(at, Uint8Array.from({ length: end - at }, (_, index) => at + index));
        }
        await store.drain(NEVER);
        assertEquals(out, Array.from({ length: size }, (_, at) => at));
      },
    ),
    { numRuns: 50 },
  );
});

Deno.test("SegmentPipe takes nothing beyond its window, and tells of a reader that has gone", async () => {
  const { store, errors, breaks } = pipe(4, false);
  assertThrows(() => store.write(2, new Uint8Array(3)), RangeError);
  assertEquals(store.started, false);
  breaks();
  store.write(0, new Uint8Array(2));
  await assertRejects(() => store.drain(NEVER), Deno.errors.BrokenPipe);
  assertEquals([store.started, errors.length], [false, 1]);
  // What was being written then may have gone out in part.
  store.write(2, new Uint8Array(2));
  await assertRejects(() => store.drain(NEVER), Deno.errors.BrokenPipe);
  assertEquals(errors.length, 1);
});

Deno.test("SegmentPipe.drain() waits for a reader no longer than its signal allows", async () => {
  const sink = new StreamSink({ write: () => {}, writeAsync: () => new Promise(() => {}) });
  const store = new SegmentPipe(sink, { window: 4, moved: () => {}, failed: () => {} });
  store.write(0, new Uint8Array(2));
  const stop = new AbortController();
  const drained = store.drain(stop.signal);
  stop.abort(new RangeError("stop"));
  await assertRejects(() => drained, RangeError, "stop");
});
