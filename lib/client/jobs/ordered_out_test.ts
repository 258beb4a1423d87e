import { assertEquals } from "@std/assert";
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
        await place.end({ drop: false });
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
  await second.end({ drop: true });
  const last = third.end({ drop: false });
  await write(first, "a");
  await first.end({ drop: false });
  await last;
  assertEquals(text, "ac");
});
