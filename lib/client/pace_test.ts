import { assertEquals, assertRejects } from "@std/assert";
import { Pace, sleep } from "./pace.ts";

Deno.test("Pace.debt() is what the clock lacks", () => {
  let now = 0;
  const pace = new Pace(1000, () => now);
  assertEquals(pace.debt(500), 500);
  now = 500;
  assertEquals(pace.debt(0), 0);
  now = 10_000;
  assertEquals(pace.debt(1000), 0);
  assertEquals([pace.pieceSize(1 << 20), new Pace(1e9).pieceSize(1 << 20), new Pace(1).pieceSize(10)], [
    125,
    1 << 20,
    1,
  ]);
});

Deno.test("sleep() ends at once with the reason of its signal", async () => {
  const controller = new AbortController();
  const sleeping = sleep(60_000, controller.signal);
  controller.abort(new Error("stopped"));
  await assertRejects(() => sleeping, Error, "stopped");
  await assertRejects(() => sleep(60_000, controller.signal), Error, "stopped");
});
