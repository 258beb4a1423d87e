import { assertEquals, assertRejects } from "@std/assert";
import { FerryError } from "../../core/errors.ts";
import { again, mayPass, TRIES } from "./again.ts";
import { FetchError } from "../fetch_error.ts";
import { StatusError } from "../status_error.ts";

const broken = (transient = true) =>
  new FetchError("partial_transfer", "broke off", { transient, sent: true });

/** Fails with `error` so many times. */
function failing(error: unknown, times: number) {
  const calls = { count: 0 };
  const work = () => ++calls.count <= times ? Promise.reject(error) : Promise.resolve("done");
  return { calls, work };
}

Deno.test("mayPass() is about broken connections and busy servers", () => {
  const cases: [unknown, boolean][] = [
    [broken(), true],
    [broken(false), false],
    [new StatusError(503, "busy", 0), true],
    [new StatusError(404, "none"), false],
    [new FerryError("partial_transfer", "known"), false],
    [new TypeError("a mistake"), false],
  ];
  for (const [error, expected] of cases) {
    assertEquals([String(error), mayPass(error)], [String(error), expected]);
  }
});

Deno.test("again() repeats what may pass, a few times", async () => {
  const busy = new StatusError(503, "busy", 0);
  const twice = failing(busy, 2);
  assertEquals([await again(twice.work), twice.calls.count], ["done", 3]);
  const always = failing(busy, Infinity);
  await assertRejects(() => again(always.work), StatusError);
  assertEquals(always.calls.count, TRIES + 1);
  const never = failing(new FerryError("forbidden", "no"), Infinity);
  await assertRejects(() => again(never.work), FerryError, "no");
  assertEquals(never.calls.count, 1);
});

Deno.test("again() waits no longer than its signal lets it", async () => {
  const stop = new AbortController();
  const slow = failing(new StatusError(503, "busy", 60_000), Infinity);
  const run = again(slow.work, stop.signal);
  setTimeout(() => stop.abort(), 5);
  await assertRejects(() => run, StatusError);
  assertEquals(slow.calls.count, 2);
});
