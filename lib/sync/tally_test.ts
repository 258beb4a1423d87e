import { assertEquals } from "@std/assert";
import type { RunEvent } from "./events.ts";
import { Tally } from "./tally.ts";

const PLAN: RunEvent = { event: "plan", create: 1, update: 1, delete: 0, move: 1, bytes: 100 };
const change = (bytes: number): RunEvent => ({ event: "change", op: "create", path: "p", bytes });

Deno.test("Tally counts what is listed and arrives before there is a plan", () => {
  const tally = new Tally();
  assertEquals(tally.look(), { kind: "listing", files: 0, bytes: 0 });
  tally.listed();
  tally.listed();
  tally.arrived(70);
  assertEquals(tally.look(), { kind: "listing", files: 2, bytes: 70 });
  tally.tell(PLAN);
  assertEquals(tally.look(), { kind: "moving", changes: 0, ofChanges: 3, bytes: 70, ofBytes: 100 });
});

Deno.test("Tally takes a change for arrived, and never counts beyond the plan", () => {
  const tally = new Tally();
  tally.tell(PLAN);
  // What a server's job says, or what was put together from what is here.
  tally.tell(change(60));
  assertEquals(tally.look(), { kind: "moving", changes: 1, ofChanges: 3, bytes: 60, ofBytes: 100 });
  tally.arrived(500);
  for (let i = 0; i < 5; i++) tally.tell(change(0));
  assertEquals(tally.look(), { kind: "moving", changes: 3, ofChanges: 3, bytes: 100, ofBytes: 100 });
});
