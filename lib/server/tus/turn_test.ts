import { assert, assertEquals } from "@std/assert";
import { Turns } from "./turn.ts";

Deno.test("Turns lets one in at a time, and interrupts the one who is there", async () => {
  const turns = new Turns();
  const order: string[] = [];
  const visit = async (name: string) => {
    using hold = await turns.take("a");
    order.push(`${name} comes`);
    const { promise, resolve } = Promise.withResolvers<void>();
    hold.onInterrupt = resolve;
    if (hold.interrupted || name === "last") resolve();
    await promise;
    await Promise.resolve();
    order.push(`${name} goes`);
  };
  await Promise.all([visit("first"), visit("second"), visit("last")]);
  assertEquals(order, [
    "first comes",
    "first goes",
    "second comes",
    "second goes",
    "last comes",
    "last goes",
  ]);
  assert(!turns.has("a"));
});

Deno.test("Turns of different uploads do not wait for each other", async () => {
  const turns = new Turns();
  using a = await turns.take("a");
  using b = await turns.take("b");
  assert(!a.interrupted && !b.interrupted);
});
