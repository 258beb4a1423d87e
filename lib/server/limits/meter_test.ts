import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Meter, meterState } from "./meter.ts";

/** A meter whose clock is set by hand. */
function at(rate: number, state = meterState("each")) {
  const clock = { ms: 1e12 };
  return {
    clock,
    meter: new Meter(state, rate, () => clock.ms),
    other: new Meter(state, rate, () => clock.ms),
  };
}

Deno.test("Meter.refuse() lets a burst through, then one after the other, and each client its own", () => {
  const { clock, meter } = at(10);
  assertEquals(Array.from({ length: 5 }, () => meter.refuse("a", 3)), [0, 0, 0, 100, 100]);
  assertEquals(meter.refuse("b", 3), 0);
  clock.ms += 99;
  assertEquals(meter.refuse("a", 3), 1);
  clock.ms += 1;
  assertEquals([meter.refuse("a", 3), meter.refuse("a", 3)], [0, 100]);
  clock.ms += 1e6;
  assertEquals(Array.from({ length: 4 }, () => meter.refuse("a", 3)), [0, 0, 0, 100]);
});

Deno.test("Meter counts what all who share a state have taken", () => {
  const { meter, other } = at(10);
  assertEquals([meter.refuse("a", 2), other.refuse("a", 2), meter.refuse("a", 2)], [0, 0, 100]);
});

Deno.test("Meter.debt() adds up to the rate, with a quarter of a second for what was not used", () => {
  const { clock, meter } = at(1000, meterState("all"));
  assertEquals(meter.debt("a", 250), 0);
  assertEquals([meter.debt("a", 500), meter.debt("b", 500)], [500, 1000]);
  clock.ms += 400;
  assertEquals(meter.debt("c", 0), 600);
  clock.ms += 1e6;
  assertEquals(meter.debt("c", 1250), 1000);
});

Deno.test("Meter.refuse() never lets through more than the rate and one burst, in any stretch of time", () => {
  const steps = fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(
      steps,
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 20 }),
      (gaps, rate, burst) => {
        const { clock, meter } = at(rate);
        const passed: number[] = [];
        for (const gap of gaps) {
          clock.ms += gap;
          if (meter.refuse("a", burst) === 0) passed.push(clock.ms);
        }
        for (let i = 0; i < passed.length; i++) {
          for (let j = i; j < passed.length; j++) {
            assert(j - i + 1 <= burst + (passed[j] - passed[i]) / 1000 * rate + 1e-6);
          }
        }
      },
    ),
  );
});

Deno.test("Meter does not make anybody wait for a clock that was set back", () => {
  const { clock, meter } = at(10);
  clock.ms += 1e9;
  for (let i = 0; i < 5; i++) meter.refuse("a", 2);
  clock.ms -= 1e9;
  assertEquals(meter.refuse("a", 2), 0);
});
