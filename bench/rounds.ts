/** Runs one work: its programs take turns, round by round, so that what disturbs the machine disturbs all of them. */
import { stopping } from "./process.ts";
import { significant } from "./stats.ts";
import type { Row } from "./table.ts";
import { MismatchError } from "./tree.ts";
import { FERRY } from "./peers/ferry.ts";
import { type Bench, type Contestant, Skipped, type Target, type Work } from "./works/work.ts";

export interface Outcome {
  rows: Row[];
  /** Works that Ferry failed at, and trees that arrived other than they were sent. */
  failures: number;
}

/** Runs `work` on `target`, at most `rounds` rounds. A program that fails is out; the others go on. */
export async function runWork(work: Work, target: Target, bench: Bench, rounds: number): Promise<Outcome> {
  const rows: Row[] = [];
  const out = new Set<Contestant>();
  let failures = 0;
  const label = `${work.name} on ${target.kind}`;
  const fail = (contestant: Contestant, error: unknown) => {
    if (stopping()) throw error;
    out.add(contestant);
    if (contestant.name.startsWith(FERRY) || error instanceof MismatchError) failures++;
    bench.say(`${label}: ${contestant.name} FAILED: ${error instanceof Error ? error.message : error}`);
  };
  await using stack = new AsyncDisposableStack();
  try {
    const contestants = await work.prepare(bench, target, stack);
    for (let round = 1; round <= rounds; round++) {
      for (const contestant of contestants) {
        if (out.has(contestant) || round > (contestant.rounds ?? Infinity)) continue;
        try {
          const sample = await contestant.run();
          rows.push({
            work: work.name,
            target: work.writes ? target.kind : "",
            program: contestant.name,
            round,
            unit: work.unit,
            ...sample,
          });
          bench.say(`${label}, round ${round}: ${contestant.name} ${significant(sample.value)} ${work.unit}`);
        } catch (error) {
          fail(contestant, error);
        }
      }
    }
    for (const contestant of contestants) {
      if (out.has(contestant)) continue;
      await contestant.finish?.().catch((error) => fail(contestant, error));
    }
  } catch (error) {
    if (stopping()) throw error;
    const skipped = error instanceof Skipped;
    if (!skipped) failures++;
    bench.say(
      `${label}: ${skipped ? "skipped" : "FAILED"}, ${error instanceof Error ? error.message : error}`,
    );
  }
  return { rows, failures };
}
