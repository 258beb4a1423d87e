import { assert, assertEquals, assertRejects } from "@std/assert";
import { FerryError } from "../core/errors.ts";
import { Slots } from "./slots.ts";

Deno.test("Slots lets so many in at a time, and the others in their turn", async () => {
  const slots = new Slots(2, 60_000);
  const log: string[] = [];
  const [first, second] = [await slots.take(), await slots.take()];
  const waiting = ["third", "fourth"].map((name) =>
    slots.take().then((release) => (log.push(name), release))
  );
  await Promise.resolve();
  assertEquals(log, []);
  first();
  // Given back twice is given back once.
  first();
  const third = await waiting[0];
  assertEquals(log, ["third"]);
  second();
  (await waiting[1])();
  third();
  assertEquals(log, ["third", "fourth"]);
  const [again, more] = [await slots.take(), await slots.take()];
  again();
  more();
});

Deno.test("Slots gives several at once, to nobody before those who came first", async () => {
  const slots = new Slots(10, 60_000);
  const log: string[] = [];
  const one = await slots.take(4);
  const two = await slots.take(6);
  const large = slots.take(8).then((release) => (log.push("large"), release));
  const small = slots.take(2).then((release) => (log.push("small"), release));
  two();
  await Promise.resolve();
  assertEquals(log, []);
  one();
  for (const release of await Promise.all([large, small])) release();
  assertEquals(log, ["large", "small"]);
  (await slots.take(10))();
});

Deno.test("Slots refuses whoever waits too long, and forgets about it", async () => {
  const slots = new Slots(1, 1);
  const release = await slots.take();
  const error = await assertRejects(() => slots.take(), FerryError);
  assertEquals(error.code, "too_many");
  release();
  assert(await slots.take());
});
