import { assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { OrderedOut } from "./ordered_out.ts";

Deno.test("OrderedOut gives bodies out whole and in order, however they come", async () => {
  const bodies = fc.array(fc.array(fc.string({ minLength: 1, maxLength: 3 }), { maxLength: 4 }), {
    maxLength: 6,
  });
  await fc.assert(
    fc.asyncProperty(bodies, fc.scheduler(), async (bodies, scheduler) => {
      let text = "";
      const order = new OrderedOut({ write: (bytes) => void (text += new TextDecoder().decode(bytes)) });
      const work = bodies.map(async (pieces) => {
        const place = order.place();
        for (const piece of pieces) {
          await scheduler.schedule(Promise.resolve());
          await place.writeAsync(new TextEncoder().encode(piece));
        }
        await place.end();
      });
      await scheduler.waitFor(Promise.all(work));
      assertEquals(text, bodies.flat().join(""));
    }),
    { numRuns: 50 },
  );
});

Deno.test("OrderedOut leaves out what failed before its turn", async () => {
  let text = "";
  const order = new OrderedOut({ write: (bytes) => void (text += new TextDecoder().decode(bytes)) });
  const [first, second, third] = [order.place(), order.place(), order.place()];
  const write = (place: typeof first, letter: string) => place.writeAsync(new TextEncoder().encode(letter));
  await write(third, "c");
  await write(second, "b");
  await second.settle({ drop: true });
  second.write(new TextEncoder().encode("B"));
  const ends = [second.end(), third.end()];
  await write(first, "a");
  await first.end();
  await Promise.all(ends);
  assertEquals(text, "aBc");
});

Deno.test("OrderedOut.say() gets between no two pieces of a body", async () => {
  let text = "";
  const order = new OrderedOut({ write: (bytes) => void (text += new TextDecoder().decode(bytes)) });
  const say = (letter: string) => order.say(new TextEncoder().encode(letter));
  say("1");
  const place = order.place();
  say("2");
  await place.writeAsync(new TextEncoder().encode("a"));
  say("3");
  await place.writeAsync(new TextEncoder().encode("b"));
  assertEquals(text, "1ab");
  await place.end();
  await order.settled();
  assertEquals(text, "1ab23");
});

Deno.test("OrderedOut.settled() throws what could not be said", async () => {
  const order = new OrderedOut({
    write() {
      throw new Error("gone");
    },
  });
  const place = order.place();
  order.say(new Uint8Array(1));
  await place.end();
  await assertRejects(() => order.settled(), Error, "gone");
});
