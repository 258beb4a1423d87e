import { assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { Ahead } from "./ahead.ts";
import type { Job } from "./job.ts";

/** How each job comes: at once, or later. Behind them comes the end, or `failure`. */
interface Source {
  jobs: { late: boolean }[];
  lateEnd: boolean;
  failure?: Error;
}

function iterate({ jobs, lateEnd, failure }: Source) {
  let at = 0;
  const next = (): IteratorResult<Job> | Promise<IteratorResult<Job>> => {
    if (at < jobs.length) {
      const step = { done: false as const, value: { target: `${at}` } };
      return jobs[at++].late ? Promise.resolve(step) : step;
    }
    if (failure !== undefined && lateEnd) return Promise.reject(failure);
    if (failure !== undefined) throw failure;
    const end = { done: true as const, value: undefined };
    return lateEnd ? Promise.resolve(end) : end;
  };
  return { next, return: () => ({ done: true as const, value: undefined }) };
}

Deno.test("Ahead gives all jobs in order, whenever it is asked how many there are", async () => {
  const source = fc.record({
    jobs: fc.array(fc.record({ late: fc.boolean() }), { maxLength: 12 }),
    lateEnd: fc.boolean(),
    failure: fc.option(fc.constant(new Error("broken")), { nil: undefined }),
  });
  await fc.assert(fc.asyncProperty(source, fc.array(fc.nat(8)), async (source, looks) => {
    const ahead = new Ahead(iterate(source));
    for (const [at] of source.jobs.entries()) {
      if (at < looks.length) await ahead.has(looks[at]);
      assertEquals(await ahead.next(), { done: false, value: { target: `${at}` } });
    }
    if (source.failure === undefined) {
      assertEquals(await ahead.has(1), false);
      assertEquals((await ahead.next()).done, true);
    } else await assertRejects(async () => await ahead.next(), Error, "broken");
  }));
});

Deno.test("Ahead.has() counts what is there with the next job, and nothing behind what is late", async () => {
  const late = (...jobs: boolean[]) =>
    new Ahead(iterate({ jobs: jobs.map((late) => ({ late })), lateEnd: false }));
  assertEquals(await late(false, false).has(2), true);
  assertEquals(await late(false, false).has(3), false);
  assertEquals(await late(true, false).has(2), true);
  assertEquals(await late(false, true, false).has(1), true);
  assertEquals(await late(false, true, false).has(2), false);
  assertEquals(await late(true, true).has(2), false);
  const ahead = late(false, false, false);
  assertEquals(await ahead.has(3), true);
  ahead.next();
  assertEquals(await ahead.has(3), false);
  assertEquals(await ahead.has(2), true);
});
