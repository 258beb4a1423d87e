import { assertEquals } from "@std/assert";
import { formatLeft, Speedometer } from "./speedometer.ts";

Deno.test("Speedometer looks back a few seconds", () => {
  const meter = new Speedometer();
  const at = (bytes: number, time: number) => meter.look({ work: bytes, total: 100_000, bytes }, time);
  assertEquals([at(0, 0), at(500, 500)], [{}, {}]);
  assertEquals(at(2000, 2000), { rate: 1000, left: 98_000 });
  assertEquals(at(6000, 4000).rate, 1500);
  // The first two seconds are forgotten.
  assertEquals(at(16_000, 7000), { rate: 14_000 / 5, left: 84_000 / 2.8 });
  for (const time of [8000, 9000, 10_000, 11_000, 12_000, 13_000]) at(16_000, time);
  assertEquals(at(16_000, 14_000), { rate: 0 });
});

Deno.test("Speedometer knows no end without a total, and no speed below nothing", () => {
  const meter = new Speedometer();
  meter.look({ work: 5000, bytes: 5000 }, 0);
  assertEquals(meter.look({ work: 7000, bytes: 7000 }, 1000), { rate: 2000 });
  assertEquals(meter.look({ work: 0, total: 9000, bytes: 0 }, 2000), { rate: 0 });
  const done = new Speedometer();
  done.look({ work: 1, total: 2, bytes: 1 }, 0);
  assertEquals(done.look({ work: 3, total: 2, bytes: 3 }, 1000).left, 0);
});

Deno.test("formatLeft() counts down in one unit or two", () => {
  const cases: [number, string][] = [
    [0, "0 s"],
    [1, "1 s"],
    [59_000, "59 s"],
    [60_000, "1 min"],
    [3_600_000, "1 h 0 min"],
    [9e6, "2 h 30 min"],
    [9e8, "10 days"],
  ];
  for (const [ms, text] of cases) assertEquals(formatLeft(ms), text);
});
