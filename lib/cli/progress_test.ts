import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Progress, ProgressMeter, progressText } from "./progress.ts";
import type { Speed } from "./speedometer.ts";

const MOVING: Progress = { kind: "moving", changes: 1234, ofChanges: 70120, bytes: 45e6, ofBytes: 197e6 };
const SPEED: Speed = { rate: 34.5e6, left: 4400 };

Deno.test("progressText() says how far, how fast and how long, most of all how far", () => {
  const cases: [Progress, Speed, number, string][] = [
    [MOVING, SPEED, 80, "10%, 45 MB of 197 MB, 34.5 MB/s, 5 s left, 1,234 of 70,120 changes"],
    [MOVING, SPEED, 50, "10%, 45 MB of 197 MB, 34.5 MB/s, 5 s left"],
    [MOVING, SPEED, 30, "10%, 45 MB of 197 MB"],
    [MOVING, SPEED, 10, "10%"],
    [MOVING, SPEED, 2, ""],
    [MOVING, {}, 80, "10%, 45 MB of 197 MB, 1,234 of 70,120 changes"],
    [{ ...MOVING, ofBytes: 0, bytes: 0 }, SPEED, 80, "1%, 5 s left, 1,234 of 70,120 changes"],
    [{ kind: "moving", changes: 0, ofChanges: 0, bytes: 0, ofBytes: 0 }, {}, 80, "100%, 0 of 0 changes"],
    [MOVING, { left: 200_000 }, 40, "10%, 45 MB of 197 MB, 3 min left"],
    [MOVING, { left: 9e6 }, 42, "10%, 45 MB of 197 MB, 2 h 30 min left"],
    [MOVING, { left: 9e8 }, 40, "10%, 45 MB of 197 MB, 10 days left"],
    [{ kind: "listing", files: 12345, bytes: 0 }, {}, 80, "listing: 12,345 files"],
    [{ kind: "listing", files: 12345, bytes: 12e6 }, {}, 80, "listing: 12,345 files, 12 MB copied"],
  ];
  for (const [progress, speed, width, text] of cases) {
    assertEquals(progressText(progress, speed, width), text);
  }
});

Deno.test("progressText() never takes more room than there is, nor other than printable ASCII", () => {
  const n = fc.nat(10 ** 12);
  const moving = fc.record({ changes: n, ofChanges: n, bytes: n, ofBytes: n });
  const speed = fc.record({ rate: n, left: n }, { requiredKeys: [] });
  fc.assert(fc.property(moving, speed, fc.nat(100), (numbers, speed, width) => {
    const text = progressText({ kind: "moving", ...numbers }, speed, width);
    assert(text.length <= width && /^[ -~]*$/.test(text), text);
  }));
});

Deno.test("ProgressMeter gives one line for a terminal and one for a log", () => {
  const meter = new ProgressMeter(() => MOVING);
  assertEquals(meter.lines(0, { columns: 12 }), ["10%"]);
  assertEquals(meter.plain(200), "10%, 45 MB of 197 MB, 1,234 of 70,120 changes");
});
