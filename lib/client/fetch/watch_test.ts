import { assertEquals } from "@std/assert";
import { FerryError } from "../../core/errors.ts";
import { Pace } from "../pace.ts";
import { type Exchange, Watch } from "./watch.ts";

function clocked() {
  const clock = { now: 0 };
  const watch = new Watch({ label: "http://a/", silence: 60_000, window: 120_000, now: () => clock.now });
  return { clock, watch, [Symbol.dispose]: () => watch.close() };
}

function why(exchange: Exchange): string {
  const { reason } = exchange.signal;
  return reason instanceof FerryError ? `${reason.code}: ${reason.message}` : String(reason);
}

Deno.test("Watch breaks off an exchange whose server is silent, not one that waits for this side", () => {
  using clocks = clocked();
  const { clock, watch } = clocks;
  const silent = watch.begin(), resting = watch.begin(), patient = watch.begin({ silence: 100_000 });
  resting.rest();
  clock.now = 59_999;
  watch.check();
  assertEquals(silent.signal.aborted, false);
  clock.now = 60_000;
  watch.check();
  assertEquals([resting.signal.aborted, patient.signal.aborted], [false, false]);
  assertEquals(why(silent), "timeout: http://a/: not a byte moved for 1 min 0 s");
});

Deno.test("Watch counts silence anew from each byte", () => {
  using clocks = clocked();
  const { clock, watch } = clocks;
  const exchange = watch.begin();
  for (let i = 0; i < 10; i++) {
    clock.now += 59_000;
    watch.check();
    exchange.moved(100_000);
    exchange.wait();
  }
  assertEquals(exchange.signal.aborted, false);
});

Deno.test("Watch breaks off a drip, unless other exchanges move or the server shows that it works", () => {
  const cases: [string, (exchange: Exchange, other: Exchange) => void, boolean][] = [
    ["a drip", (exchange) => exchange.moved(1), true],
    ["a slow answer", (exchange) => exchange.moved(15_000), false],
    ["a drip beside others", (exchange, other) => {
      exchange.moved(1);
      other.moved(15_000);
    }, false],
    ["signs of life", (exchange) => {
      exchange.moved(1);
      exchange.alive();
    }, false],
  ];
  for (const [name, act, broken] of cases) {
    using clocks = clocked();
    const { clock, watch } = clocks;
    const exchange = watch.begin(), other = watch.begin();
    other.rest();
    for (let i = 0; i < 30; i++) {
      clock.now += 10_000;
      watch.check();
      act(exchange, other);
      exchange.wait();
    }
    assertEquals([name, exchange.signal.aborted], [name, broken]);
    if (broken) assertEquals(why(exchange), "timeout: http://a/: only 11 B moved in 2 min 0 s");
  }
});

Deno.test("Watch does not count the time in which this side kept to its own rate", () => {
  using clocks = clocked();
  const { clock, watch } = clocks;
  const exchange = watch.begin();
  for (let i = 0; i < 100; i++) {
    exchange.wait();
    clock.now += 10;
    exchange.moved(100);
    clock.now += 100_000;
    watch.check();
  }
  assertEquals(exchange.signal.aborted, false);
});

Deno.test("Watch ends what waits when its signal is aborted, and what comes later", () => {
  const stop = new AbortController();
  const watch = new Watch({ label: "a", stop: stop.signal, paces: { received: new Pace(1000) } });
  const waiting = watch.begin(), resting = watch.begin();
  resting.rest();
  stop.abort("stopped");
  assertEquals([waiting.signal.reason, resting.signal.aborted], ["stopped", false]);
  resting.wait();
  assertEquals(resting.signal.reason, "stopped");
  assertEquals(resting.piece(1 << 20), 125);
  watch.close();
});
