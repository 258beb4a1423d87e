import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { Pace, sleep } from "./pace.ts";

Deno.test("Pace.debt() is what the clock lacks, with a quarter of a second of credit", () => {
  let now = 0;
  const pace = new Pace(1000, () => now);
  assertEquals(pace.debt(500), 500);
  now = 500;
  assertEquals(pace.debt(0), 0);
  now = 600;
  assertEquals(pace.debt(100), 0);
  now = 10_000;
  assertEquals([pace.debt(250), pace.debt(750)], [0, 750]);
  assertEquals([pace.pieceSize(1 << 20), new Pace(1e9).pieceSize(1 << 20), new Pace(1).pieceSize(10)], [
    125,
    1 << 20,
    1,
  ]);
});

Deno.test("Pace.debt() holds the rate over the whole, and within any second, whatever the pieces", () => {
  const step = fc.record({ bytes: fc.nat(500), idle: fc.nat(1500) });
  fc.assert(fc.property(fc.array(step, { minLength: 1, maxLength: 50 }), (steps) => {
    let now = 0;
    const pace = new Pace(1000, () => now);
    const moved: { at: number; bytes: number }[] = [];
    let total = 0;
    for (const { bytes, idle } of steps) {
      now += idle;
      now += pace.debt(bytes);
      total += bytes;
      moved.push({ at: now, bytes });
      assert(total <= now / 1000 * 1000 + 1e-6, "faster than the rate");
      const lately = moved.filter(({ at }) => at > now - 1000).reduce((sum, { bytes }) => sum + bytes, 0);
      // A second's worth, the credit, and the piece that the second began in.
      assert(lately <= 1000 + 250 + 500 + 1e-6, `${lately} in a second`);
    }
  }));
});

Deno.test("sleep() ends at once with the reason of its signal", async () => {
  const controller = new AbortController();
  const sleeping = sleep(60_000, controller.signal);
  controller.abort(new Error("stopped"));
  await assertRejects(() => sleeping, Error, "stopped");
  await assertRejects(() => sleep(60_000, controller.signal), Error, "stopped");
});
