import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { pieceOf, SegmentPlan } from "./plan.ts";
import { addSpan, countOf, gaps, type Span } from "./spans.ts";

const SPANS = fc.array(fc.tuple(fc.nat(200), fc.nat(60)), { maxLength: 8 })
  .map((pairs) => pairs.map(([start, length]): Span => ({ start, end: start + length })));

Deno.test("addSpan() keeps spans in order and apart, and gaps() are the rest", () => {
  fc.assert(fc.property(SPANS, (added) => {
    const spans = added.reduce<Span[]>(addSpan, []);
    const size = 300;
    const bytes = new Uint8Array(size);
    for (const { start, end } of added) bytes.fill(1, start, end);
    const rebuilt = new Uint8Array(size);
    for (const { start, end } of spans) rebuilt.fill(1, start, end);
    assertEquals(rebuilt, bytes);
    assertEquals(countOf(spans) + countOf(gaps(spans, size)), size);
    for (const [index, span] of spans.entries()) {
      assert(span.end > span.start && (index === 0 || span.start > spans[index - 1].end));
    }
  }));
});

Deno.test("SegmentPlan brings every byte exactly once, whatever the order of ends and failures", () => {
  const step = fc.record({
    id: fc.nat(5),
    act: fc.constantFrom("claim", "share", "advance", "advance", "release"),
    amount: fc.nat(100),
    before: fc.nat(400),
  });
  const options = fc.record({
    size: fc.integer({ min: 0, max: 400 }),
    piece: fc.integer({ min: 1, max: 200 }),
  });
  const property = fc.property(
    options,
    SPANS,
    fc.array(step, { maxLength: 200 }),
    ({ size, piece }, there, steps) => {
      const have = there.map(({ start, end }) => ({
        start: Math.min(start, size),
        end: Math.min(end, size),
      }));
      const plan = new SegmentPlan(size, { have, piece, least: 3 });
      const times = new Uint8Array(size);
      for (const { start, end } of have) times.fill(1, start, end);
      const holding = new Set<number>();
      const claim = (id: number, before?: number) => {
        const span = plan.claim(id, before);
        if (span === null) return;
        assert(span.end > span.start && span.end <= size);
        holding.add(id);
      };
      const share = (slow: number, id: number) => {
        const span = plan.share(slow, id, 1);
        if (span === null) return;
        assert(holding.has(slow) && span.end > span.start && span.end <= size);
        holding.add(id);
      };
      const advance = (id: number, most: number) => {
        const { start, end } = plan.rest(id);
        const count = Math.min(most, end - start);
        for (let at = start; at < start + count; at++) times[at]++;
        plan.advance(id, count);
      };
      const release = (id: number) => {
        plan.release(id);
        holding.delete(id);
      };
      for (const { id, act, amount, before } of steps) {
        if (act === "claim" && !holding.has(id)) claim(id, before);
        if (act === "share" && !holding.has(id)) share(amount % 6, id);
        if (act === "advance" && holding.has(id)) advance(id, amount);
        if (act === "release" && holding.has(id)) release(id);
        assertEquals(plan.count, times.filter((count) => count === 1).length);
      }
      assert(times.every((count) => count <= 1));
      // Whatever happened, those that are left can end it.
      for (const id of [...holding]) release(id);
      while (!plan.done) {
        claim(0);
        advance(0, Infinity);
        release(0);
      }
      assert(times.every((count) => count === 1));
      assertEquals([plan.count, plan.have()], [size, size === 0 ? [] : [{ start: 0, end: size }]]);
    },
  );
  fc.assert(property);
});

Deno.test("SegmentPlan gives pieces in order, then half of the largest rest", () => {
  const plan = new SegmentPlan(100, { piece: 50, least: 10 });
  assertEquals([plan.claim(0), plan.claim(1)], [{ start: 0, end: 50 }, { start: 50, end: 100 }]);
  plan.advance(0, 30);
  plan.advance(1, 10);
  assertEquals(plan.claim(2), { start: 80, end: 100 });
  assertEquals(plan.rest(1), { start: 60, end: 80 });
  assertEquals([plan.claim(3), plan.claim(4)], [{ start: 40, end: 50 }, { start: 70, end: 80 }]);
  assertEquals(plan.claim(5), { start: 90, end: 100 });
  assertEquals(plan.claim(6), null);
  plan.release(0);
  assertEquals(plan.claim(6), { start: 30, end: 40 });
});

Deno.test("pieceOf() gives shares to a file, less where its beginning is wanted early, and little to a pipe", () => {
  const MB = 1 << 20;
  const cases: [
    missing: number,
    connections: number,
    window: number | null,
    ordered: boolean,
    piece: number,
  ][] = [
    [800 * MB, 8, null, false, 100 * MB],
    [1200 * MB, 8, null, true, 50 * MB],
    // Not worth another request.
    [80 * MB, 8, null, true, 10 * MB],
    [3 * MB, 8, null, false, MB],
    [800 * MB, 8, 32 * MB, true, Math.floor(3.2 * MB)],
    [800 * MB, 2, 32 * MB, false, 4 * MB],
    [800 * MB, 64, 20 * MB, false, MB / 4],
  ];
  for (const [missing, connections, window, ordered, piece] of cases) {
    assertEquals(pieceOf(missing, connections, { window, ordered }), piece);
  }
});
