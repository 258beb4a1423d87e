import { assertEquals, assertRejects } from "@std/assert";
import * as fc from "fast-check";
import { FetchError } from "./fetch_error.ts";
import { pump } from "./pump.ts";

const URL_OF_IT = new URL("http://h/x");
const NEVER = new AbortController().signal;

/** A body that gives `text` in pieces of these sizes, and then ends or throws. */
function bodyOf(text: string, pieces: readonly number[], end?: Error) {
  let turn = 0;
  let cancelled = false;
  return {
    read(buffer: Uint8Array): Promise<number | null> {
      const count = Math.min(buffer.length, text.length, pieces[turn++ % pieces.length]);
      if (count === 0) return end === undefined ? Promise.resolve(null) : Promise.reject(end);
      for (let at = 0; at < count; at++) buffer[at] = text.charCodeAt(at);
      text = text.slice(count);
      return Promise.resolve(count);
    },
    cancel: () => Promise.resolve(void (cancelled = true)),
    get cancelled() {
      return cancelled;
    },
  };
}

Deno.test("pump() gives what is wanted in order, to those who take it at once or later", async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 });
  const number = fc.integer({ min: 0, max: 60 });
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: "binary-ascii" }),
      sizes,
      number,
      number,
      async (text, pieces, skip, limit) => {
        for (const later of [false, true]) {
          let taken = "";
          const take = async (bytes: Uint8Array) => {
            if (later) await new Promise((resolve) => queueMicrotask(() => queueMicrotask(() => resolve(0))));
            // The buffer must still be as it was.
            taken += new TextDecoder().decode(bytes);
          };
          const body = bodyOf(text, pieces);
          const wanted = text.slice(skip, skip + limit);
          const pumped = pump(
            body,
            later ? take : (bytes) => void (taken += new TextDecoder().decode(bytes)),
            { url: URL_OF_IT, skip, limit, signal: NEVER },
          );
          if (wanted.length < limit) {
            assertEquals((await assertRejects(() => pumped, FetchError)).code, "partial_transfer");
          } else await pumped;
          assertEquals([taken, body.cancelled], [wanted, true]);
        }
      },
    ),
  );
});

Deno.test("pump() throws what breaks the body once all before it has been taken", async () => {
  let taken = "";
  const take = async (bytes: Uint8Array) => {
    await new Promise((resolve) => setTimeout(resolve));
    taken += new TextDecoder().decode(bytes);
  };
  const broken = new FetchError("partial_transfer", "broken", { transient: true, sent: true });
  const pumped = pump(bodyOf("abcdef", [2], broken), take, { url: URL_OF_IT, signal: NEVER });
  assertEquals(await assertRejects(() => pumped), broken);
  assertEquals(taken, "abcdef");
});

Deno.test("pump() throws what `take` throws, and waits for nobody when it is stopped", async () => {
  const full = new Error("disk full");
  const body = bodyOf("abc", [1]);
  const failing = pump(body, () => Promise.reject(full), { url: URL_OF_IT, signal: NEVER });
  assertEquals([await assertRejects(() => failing), body.cancelled], [full, true]);
  const controller = new AbortController();
  const stuck = pump(bodyOf("abc", [1]), () => new Promise<void>(() => {}), {
    url: URL_OF_IT,
    signal: controller.signal,
  });
  const reason = new Error("stop");
  controller.abort(reason);
  assertEquals(await assertRejects(() => stuck), reason);
});
