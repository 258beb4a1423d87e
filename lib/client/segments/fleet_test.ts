import { assert, assertEquals, assertRejects } from "@std/assert";
import { FerryError } from "../../core/errors.ts";
import { Deadline } from "../deadline.ts";
import { StatusError } from "../status_error.ts";
import { Fleet, type FleetOptions } from "./fleet.ts";
import { SegmentPlan } from "./plan.ts";
import type { Source } from "./source.ts";
import type { Span } from "./spans.ts";

const SIZE = 4000;
const URL_HERE = new URL("http://h/x");

/** What a server does with the request of this number. */
type Act = (index: number, signal: AbortSignal) => "send" | "drip" | "hang" | Error;

/** A source whose bytes are their own offsets, without a network. */
function source(act: Act): Source & { asked: number } {
  const fake = {
    label: "h",
    url: URL_HERE,
    brought: [] as Span[],
    dropped: undefined as unknown,
    crowded: false,
    asked: 0,
    backToFirst: () => false,
    fetch(span: Span, signal: AbortSignal) {
      const what = act(fake.asked++, signal);
      if (what instanceof Error) return Promise.reject(what);
      let at = span.start;
      const body = {
        async read(buffer: Uint8Array) {
          if (what === "hang") {
            await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
          }
          await new Promise((resolve) => setTimeout(resolve, 0));
          const count = Math.min(what === "drip" ? 1 : 100, span.end - at, buffer.length);
          for (let index = 0; index < count; index++) buffer[index] = (at + index) % 251;
          at += count;
          return count === 0 ? null : count;
        },
        cancel: () => Promise.resolve(),
      };
      return Promise.resolve({ span, answer: { response: { body }, hop: { url: URL_HERE } } });
    },
  };
  return fake as unknown as Source & { asked: number };
}

function setUp(
  { least = 10, full = SIZE, ...options }: Partial<FleetOptions> & { least?: number; full?: number } = {},
) {
  const bytes = new Uint8Array(SIZE);
  const write = (at: number, piece: Uint8Array) => {
    if (at + piece.length > full) throw new FerryError("disk_full", "no room");
    bytes.set(piece, at);
  };
  const plan = new SegmentPlan(SIZE, { piece: 1000, least });
  const deadline = new Deadline(undefined, URL_HERE);
  const notices: string[] = [];
  const fleet = new Fleet(plan, { before: Infinity, write }, {
    retries: 0,
    signal: new AbortController().signal,
    deadline,
    onNotice: (text) => notices.push(text),
    ...options,
  });
  const check = () => assertEquals(bytes, Uint8Array.from({ length: SIZE }, (_, at) => at % 251));
  return { fleet, notices, check, plan };
}

Deno.test("Fleet.run() gives the bytes of a connection that hangs to one that has nothing to do", async () => {
  const { fleet, check } = setUp({ stall: 1, retries: 1 });
  const one = source((index) => index === 0 ? "hang" : "send");
  for (let count = 0; count < 4; count++) fleet.add(one);
  await fleet.run();
  check();
});

Deno.test("Fleet.run() takes from a connection that all others wait for, down to little", async () => {
  // The rests are too small to be shared among those that are equal.
  const { fleet, check, plan } = setUp({ least: SIZE, stall: 2, slow: { ms: 10, least: 5 } });
  const slow = source(() => "drip");
  const fast = source(() => "send");
  fleet.add(slow);
  for (let count = 0; count < 3; count++) fleet.add(fast);
  await fleet.run();
  check();
  assert(plan.done && slow.brought[0].end < 900, `${slow.brought[0].end} of its 1000 by the slow one`);
});

Deno.test("Fleet.run() goes on with fewer connections where a server wants that", async () => {
  const { fleet, check, notices } = setUp({ retries: 3 });
  let asked = 0;
  const one = source(() => ++asked > 2 && asked < 6 ? new StatusError(429, "429") : "send");
  for (let count = 0; count < 4; count++) fleet.add(one);
  await fleet.run();
  check();
  assert(notices.length <= 1);
});

Deno.test("Fleet.run() leaves out a source that fails, and ends when there is none left", async () => {
  const gone = new FerryError("not_found", "h: 404");
  const { fleet, check, notices } = setUp();
  const bad = source(() => gone);
  const good = source(() => "send");
  fleet.add(good);
  fleet.add(bad);
  await fleet.run();
  check();
  assertEquals(notices, ["h is left out: h: 404"]);
  assert(bad.asked === 1 && good.asked > 2);
  const alone = setUp();
  alone.fleet.add(source(() => gone));
  await assertRejects(() => alone.fleet.run(), FerryError, "404");
});

Deno.test("Fleet.run() throws the reason of its signal, and what the place of the bytes throws", async () => {
  const stop = new AbortController();
  const { fleet } = setUp({ signal: stop.signal });
  fleet.add(source(() => "hang"));
  const running = fleet.run();
  stop.abort(new FerryError("timeout", "the time is up"));
  await assertRejects(() => running, FerryError, "the time is up");
  const other = setUp();
  other.fleet.add(source(() => "hang"));
  const failing = other.fleet.run();
  other.fleet.fail(new FerryError("disk_full", "no room"));
  await assertRejects(() => failing, FerryError, "no room");
});

Deno.test("Fleet.run() blames no source for bytes that cannot be written", async () => {
  const { fleet, notices } = setUp({ full: 3500 });
  const [one, other] = [source(() => "send"), source(() => "send")];
  fleet.add(one);
  fleet.add(other);
  await assertRejects(() => fleet.run(), FerryError, "no room");
  assertEquals([notices, one.dropped, other.dropped], [[], undefined, undefined]);
});
