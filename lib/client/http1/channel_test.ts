import { assertEquals, assertRejects } from "@std/assert";
import { FetchError } from "../fetch_error.ts";
import type { WireAnswer } from "./answer.ts";
import { Call } from "./call.ts";
import { Channel } from "./channel.ts";
import { RawServer } from "./raw_server.ts";
import { prepareFields } from "./request.ts";

/** A channel to `server`, with one request on it. */
async function channelTo(server: RawServer): Promise<{ channel: Channel; answer: Promise<WireAnswer> }> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: Number(server.url.port) });
  const channel = new Channel({ conn, form: "origin", about: "connected", facts: { connected: 0 } }, {
    free() {},
    returned() {},
    closed() {},
  });
  const request = { url: server.url, method: "GET", fields: prepareFields([]) };
  const call = new Call(request, new AbortController().signal, false);
  channel.send(call);
  return { channel, answer: call.answer };
}

Deno.test("Channel.check() ends what has been silent for too long, and only where the server owes something", async () => {
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
  await using server = new RawServer(async (connection) => {
    await connection.head();
    ask();
    if (connection.index > 0) await connection.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx");
    await connection.head();
  });
  const headless = await channelTo(server);
  await asked;
  // And this side has heard that it was sent.
  await new Promise((resolve) => setTimeout(resolve));
  for (const now of [0, 290_000]) headless.channel.check(now);
  headless.channel.check(310_000);
  const silence = await assertRejects(() => headless.answer, FetchError, "not a byte moved for 300 s");
  assertEquals([silence.code, silence.facts.transient], ["timeout", true]);

  const { channel, answer } = await channelTo(server);
  const { body } = await answer;
  const buffer = new Uint8Array(9);
  assertEquals(await body!.read(buffer), 1);
  // Nobody wants more for the time being.
  for (const now of [0, 100_000, 200_000]) channel.check(now);
  const reading = body!.read(buffer);
  channel.check(250_000);
  channel.check(270_000);
  await assertRejects(() => reading, FetchError, "not a byte moved for 60 s");
});
