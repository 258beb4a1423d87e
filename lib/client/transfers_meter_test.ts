import { assertEquals, assertMatch } from "@std/assert";
import { type Amount, TransfersMeter } from "./transfers_meter.ts";

function moving(amount: Amount, retries = 0) {
  return { amount, retries };
}

const ROOM = { columns: 79, rows: 23 };

Deno.test("TransfersMeter shows one URL in one line, by the last part of its name", () => {
  const meter = new TransfersMeter(1);
  const item = moving({ done: 0, moved: 0 });
  let name = "http://h:80/dir/a%20b%1b.iso?x";
  const line = meter.begin(() => name, item);
  assertMatch(meter.lines(0, ROOM)[0], /^a b\\x1b\.iso +0 B$/);
  // Half of it is of an earlier run: the rate and the time left are those of this one.
  item.amount = { done: 5000, size: 10_000, moved: 0 };
  meter.lines(100, ROOM);
  item.amount = { done: 6000, size: 10_000, moved: 1000 };
  item.retries = 1;
  name = "out/b.iso";
  assertMatch(
    meter.lines(2000, ROOM)[0],
    /^b\.iso +60% +\[=+> +\] +6 kB of 10 kB +500 B\/s +8 s left +1 retry$/,
  );
  assertEquals(meter.plain(2000), "b.iso: 60%, 6 kB of 10 kB, 500 B/s, 8 s left, 1 retry");
  item.amount = { done: 10_000, size: 10_000, moved: 5000 };
  line[Symbol.dispose]();
  meter.ended(5000, false);
  assertMatch(
    meter.last(performance.now() + 5000, ROOM)[0],
    /^b\.iso +100% +\[=+\] +10 kB +\S+ \S+\/s +in 5\.\d\d s$/,
  );
});

Deno.test("TransfersMeter names a host where there is no name", () => {
  const meter = new TransfersMeter(1);
  meter.begin(() => "http://h:8080/", moving({ done: 1, moved: 1 }));
  assertEquals(meter.lines(0, ROOM), ["h:8080  1 B"]);
});

Deno.test("TransfersMeter shows of many those that take their time, as many as fit, and the sum of all", () => {
  const meter = new TransfersMeter(1000);
  const now = performance.now();
  const begun = Array.from(
    { length: 30 },
    (_, index) => meter.begin(() => `f${index}`, moving({ done: 500, size: 1000, moved: 500 })),
  );
  assertEquals(meter.lines(now, ROOM).length, 1);
  const lines = meter.lines(now + 5000, ROOM);
  assertEquals(lines.map((line) => line.split(" ")[0]), [..."0123456789"].map((n) => "f" + n).concat("0"));
  assertMatch(lines.at(-1)!, /^0 of 1,000 done +1% .* 15 kB/);
  assertEquals(meter.lines(now + 5000, { columns: 79, rows: 4 }).length, 4);
  assertEquals(meter.lines(now + 5000, { columns: 79, rows: 0 }).length, 1);
  for (const line of begun.splice(0, 2)) line[Symbol.dispose]();
  meter.ended(500, false);
  meter.ended(500, true);
  for (let count = 0; count < 298; count++) meter.ended(100, false);
  assertMatch(meter.plain(now + 6000), /^300 of 1,000 done, 1 failed: 31%, 44\.8 kB, /);
  for (const line of begun) line[Symbol.dispose]();
  for (let count = 0; count < 700; count++) meter.ended(0, false);
  assertMatch(meter.last(now + 7000, ROOM)[0], /^1,000 of 1,000 done, 1 failed +100%/);
});

Deno.test("TransfersMeter knows no share of how many nobody knows", () => {
  const meter = new TransfersMeter();
  meter.ended(10, false);
  assertEquals(meter.plain(0), "1 done: 10 B");
});
