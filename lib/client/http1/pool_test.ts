import { assertEquals } from "@std/assert";
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
