import { assertEquals, assertRejects } from "@std/assert";
import { Dialer } from "../dial/dialer.ts";
import { Call } from "./call.ts";
import { Idle } from "./idle.ts";
import { Pool } from "./pool.ts";
import { RawServer } from "./raw_server.ts";
import { prepareFields } from "./request.ts";

Deno.test("Pool.check() lets idle connections go when the server has no room for the others", async () => {
  let free = Promise.resolve();
  // A single thread, which stays with a connection until that ends.
  await using server = new RawServer((connection) => {
    const turn = free.then(async () => {
      while (await connection.head() !== null) await connection.answer("");
    });
    free = turn;
    return turn;
  });
  const pool = new Pool(new Dialer(), { limit: 4, idle: new Idle(4) });
  const calls = Array.from({ length: 4 }, () => {
    const request = { url: server.url, method: "GET", fields: prepareFields([]) };
    return new Call(request, new AbortController().signal, false);
  });
  for (const call of calls) pool.add(call);
  await Promise.race(calls.map((call) => call.answer));
  // Whoever was lucky has a connection that does nothing now.
  for (let now = 0; calls.some((call) => !call.settled); now += 600) {
    pool.check(now);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assertEquals(await Promise.all(calls.map(async (call) => (await call.answer).status)), Array(4).fill(200));
  assertEquals(server.count, 4);
  pool.close();
});

Deno.test("Pool.abort() gives up the connections that nobody waits for any more, and no others", async () => {
  await using server = new RawServer(async (connection) => {
    while (await connection.head() !== null) await connection.answer("");
  });
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  const given: AbortSignal[] = [];
  const dialer = new Dialer();
  const dial = async (url: URL, signal: AbortSignal) => {
    given.push(signal);
    await opened;
    return await dialer.dial(url, signal);
  };
  const pool = new Pool({ dial }, { limit: 4, idle: new Idle(4) });
  const stops = Array.from({ length: 5 }, () => new AbortController());
  const callOf = (stop: AbortController) => {
    const call = new Call({ url: server.url, method: "GET", fields: prepareFields([]) }, stop.signal, false);
    pool.add(call);
    return call;
  };
  const [first, ...others] = stops.slice(0, 4).map(callOf);
  const refused = assertRejects(() => first.answer, Error, "not wanted");
  stops[0].abort(new Error("not wanted"));
  pool.abort(first);
  assertEquals(given.map(({ aborted }) => aborted), [false, false, false, true]);
  // One that comes in the very moment has a connection made of its own.
  others.push(callOf(stops[4]));
  assertEquals(given.length, 5);
  open();
  await refused;
  const answers = await Promise.all(others.map(({ answer }) => answer));
  assertEquals(answers.map(({ status }) => status), Array(4).fill(200));
  pool.close();
});
