import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { PartFile } from "../parts/part_file.ts";
import type { Validator } from "../transfer/resume.ts";
import { SegmentPlan } from "./plan.ts";
import { SegmentFile } from "./segment_file.ts";

const TARGET = new URL("http://h/x");
const MOST = 300;
/** Two versions of a resource; no byte of them is 0, as those that were never written are. */
const VERSIONS = [1, 2].map((version) => ({
  bytes: Uint8Array.from({ length: MOST }, (_, at) => 1 + (at * (version + 2) + version) % 255),
  validator: { kind: "etag", value: `"v${version}"` } satisfies Validator,
}));

interface Step {
  id: number;
  act: "claim" | "bring" | "release" | "note";
  amount: number;
}

interface Run {
  kind: "segments" | "stream";
  version: number;
  steps: Step[];
  /** How it ends: killed, or in order. */
  killed: boolean;
}

const STEP = fc.record<Step>({
  id: fc.nat(4),
  act: fc.constantFrom("claim", "bring", "bring", "release", "note"),
  amount: fc.integer({ min: 1, max: 80 }),
});
const RUN = fc.record<Run>({
  kind: fc.constantFrom("segments", "segments", "stream"),
  version: fc.constantFrom(0, 0, 0, 1),
  steps: fc.array(STEP, { maxLength: 40 }),
  killed: fc.boolean(),
});

/** What the next run would take as there, held against what is on the disk; gives how many bytes that is. */
function claimed(path: string, size: number): number {
  const part = new PartFile(path);
  const position = part.position(TARGET);
  if (position === null) return 0;
  const { bytes } = VERSIONS.find(({ validator }) => validator.value === position.validator!.value)!;
  const there = Deno.readFileSync(part.part);
  assert(there.length <= size);
  for (const [start, end] of part.ranges) {
    assertEquals(there.slice(start, end), bytes.slice(start, end), `${start} to ${end}`);
  }
  return part.ranges.reduce((sum, [start, end]) => sum + end - start, 0);
}

/** What is at `from` as a program leaves it that is killed; its lock is let go of. */
function kill(from: string, to: string, file: { abandon(): void }): void {
  for (const end of ["", ".json"]) {
    try {
      Deno.copyFileSync(`${from}.ferry-part${end}`, `${to}.ferry-part${end}`);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  file.abandon();
}

/** A run in segments; `look` after each step. */
function inSegments({ version, steps, killed }: Run, at: Place): void {
  const { path, size, look } = at;
  const { bytes, validator } = VERSIONS[version];
  const sink = new PartFile(path);
  const file = new SegmentFile(sink, { noteEvery: 0 });
  const earlier = file.earlier(TARGET);
  const have = earlier !== null && earlier.validator.value === validator.value ? earlier.have : [];
  file.begin({ size, validator }, { url: TARGET, have });
  look();
  const plan = new SegmentPlan(size, { have, piece: 70, least: 4 });
  const holding = new Set<number>();
  for (const { id, act, amount } of steps) {
    if (act === "claim" && !holding.has(id) && plan.claim(id) !== null) holding.add(id);
    if (act === "bring" && holding.has(id)) {
      const { start, end } = plan.rest(id);
      const piece = bytes.subarray(start, Math.min(end, start + amount));
      file.write(start, piece);
      look();
      plan.advance(id, piece.length);
    }
    if (act === "release" && holding.delete(id)) plan.release(id);
    if (act === "note") file.note(() => plan.have());
    look();
  }
  if (killed) return kill(path, at.next, { abandon: () => void file.abandon([], false) });
  const kept = file.abandon(plan.have(), true);
  assertEquals(claimed(path, size), kept === null ? 0 : plan.count);
  kill(path, at.next, { abandon() {} });
}

/** A run in one stream. */
function inOneStream({ version, steps, killed }: Run, at: Place): void {
  const { path, size, look } = at;
  const { bytes, validator } = VERSIONS[version];
  const sink = new PartFile(path);
  const earlier = sink.position(TARGET);
  const have = earlier !== null && earlier.validator!.value === validator.value ? earlier.have : 0;
  const position = { start: 0, have, end: size, size, validator };
  sink.begin(position, TARGET);
  look();
  for (const { amount } of steps) {
    const piece = bytes.subarray(position.have, Math.min(size, position.have + amount));
    sink.write(piece);
    position.have += piece.length;
    look();
  }
  if (killed) return kill(path, at.next, { abandon: () => void sink.abandon(position, false) });
  sink.abandon(position, true);
  kill(path, at.next, { abandon() {} });
}

interface Place {
  path: string;
  /** Where the next run finds what this one leaves. */
  next: string;
  size: number;
  look(): void;
}

Deno.test("SegmentFile claims no byte that is not there, whenever it is killed, over several runs", () => {
  const dir = Deno.makeTempDirSync();
  let cases = 0;
  try {
    fc.assert(fc.property(
      fc.integer({ min: 1, max: MOST }),
      fc.array(RUN, { minLength: 1, maxLength: 4 }),
      (size, runs) => {
        const name = `${dir}/${cases++}`;
        for (const [index, run] of runs.entries()) {
          const path = `${name}-${index}`;
          const at = { path, next: `${name}-${index + 1}`, size, look: () => void claimed(path, size) };
          if (run.kind === "segments") inSegments(run, at);
          else inOneStream(run, at);
        }
        claimed(`${name}-${runs.length}`, size);
      },
    ));
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});
