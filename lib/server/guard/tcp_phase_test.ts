import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Deadlines, firstPhase, nextPhase, overdue, type Phase, type TcpCounts } from "./tcp_phase.ts";

const DEADLINES: Deadlines = { header: 30, idle: 75, body: 120, leastRate: 100_000 };
const NOTHING: TcpCounts = { written: 0, acked: 0, received: 0, queued: false };

/** Phases and verdicts of a connection whose counts are seen at the given milliseconds. */
function watch(seen: readonly [at: number, counts: Partial<TcpCounts>][], deadlines = DEADLINES): string[] {
  let before = NOTHING, phase = firstPhase(NOTHING, 0);
  return seen.map(([now, change]) => {
    const counts = { ...before, ...change };
    phase = nextPhase(phase, { before, counts, now, deadlines });
    before = counts;
    const why = overdue(phase, now, deadlines);
    return why === null ? phase.kind : `${phase.kind}: ${why}`;
  });
}

Deno.test("nextPhase() and overdue() tell what a connection does, and what it takes too long for", () => {
  const cases: [name: string, seen: [number, Partial<TcpCounts>][], expected: string[]][] = [
    ["says nothing", [[10, {}], [29, {}], [30, {}]], ["head", "head", "head: head"]],
    ["drips a head", [[10, { received: 5 }], [20, { received: 10 }], [30, { received: 15 }]], [
      "head",
      "head",
      "head: head",
    ]],
    ["is kept alive, then leaves", [[5, { received: 50, written: 90, acked: 90 }], [79, {}], [80, {}]], [
      "idle",
      "idle",
      "idle: idle",
    ]],
    [
      "begins a second head after a long time, and drips it",
      [[5, { received: 50, written: 90 }], [70, { received: 51 }], [99, { received: 52 }], [
        100,
        { received: 53 },
      ]],
      ["idle", "head", "head", "head: head"],
    ],
    ["asks again and again", [[5, { written: 9 }], [75, { written: 18 }], [145, { written: 27 }]], [
      "idle",
      "idle",
      "idle",
    ]],
    [
      "reads nothing of an answer",
      [[5, { received: 9, written: 5e6, acked: 1e5, queued: true }], [124, {}], [125, {}]],
      ["answer", "answer", "answer: stalled"],
    ],
    [
      "reads too little of an answer",
      [[0, { written: 5e6, acked: 0, queued: true }], [60, { acked: 4000 }], [119, { acked: 8000 }], [
        120,
        { acked: 11_999 },
      ]],
      ["answer", "answer", "answer", "answer: stalled"],
    ],
    [
      "reads slowly, but enough",
      [[0, { written: 5e6, acked: 0, queued: true }], [60, { acked: 6000 }], [120, { acked: 12_001 }], [
        239,
        { acked: 24_002 },
      ], [300, { acked: 36_003, queued: false }]],
      ["answer", "answer", "answer", "answer", "idle"],
    ],
  ];
  for (const [name, seen, expected] of cases) assertEquals(watch(seen), expected, name);
});

Deno.test("overdue() never ends anything where there are no deadlines", () => {
  const none = { header: 0, idle: 0, body: 0, leastRate: 100 };
  assertEquals(
    watch([[1e9, {}], [2e9, { written: 1 }], [4e9, {}], [5e9, { queued: true }], [9e9, {}]], none),
    [
      "head",
      "idle",
      "idle",
      "answer",
      "answer",
    ],
  );
});

Deno.test("a connection whose answers come before each deadline is never overdue, one without any progress always", () => {
  const step = fc.record({ ms: fc.integer({ min: 1, max: 29 }), bytes: fc.integer({ min: 1, max: 1e6 }) });
  fc.assert(fc.property(fc.array(step, { minLength: 1, maxLength: 50 }), (steps) => {
    let before = NOTHING, now = 0;
    let phase: Phase = firstPhase(NOTHING, now);
    for (const { ms, bytes } of steps) {
      now += ms;
      const counts = { ...before, received: before.received + bytes, written: before.written + bytes };
      phase = nextPhase(phase, { before, counts, now, deadlines: DEADLINES });
      before = counts;
      assertEquals(overdue(phase, now, DEADLINES), null);
    }
    for (const queued of [false, true]) {
      let later = phase;
      for (const ms of [1, 120, 240]) {
        later = nextPhase(later, {
          before,
          counts: { ...before, queued },
          now: now + ms,
          deadlines: DEADLINES,
        });
      }
      assert(overdue(later, now + 240, DEADLINES) !== null);
    }
  }));
});
