import { assert, assertEquals } from "@std/assert";
import type { WireAnswer } from "../http1/answer.ts";
import { Facts } from "./facts.ts";

function answer(change: Partial<WireAnswer> = {}): WireAnswer {
  return {
    status: 200,
    statusText: "OK",
    version: "1.1",
    ok: true,
    headers: new Headers(),
    body: null,
    connection: { connected: 105, ready: 120 },
    answered: 0,
    sentAt: 130,
    ...change,
  };
}

const asked = { url: new URL("https://h/a"), method: "GET" };

Deno.test("Facts.watch() counts connections, and the bytes of bodies that are read", async () => {
  const facts = new Facts(0);
  const pieces = [3, 2, null];
  const body = {
    left: 5,
    trailers: undefined,
    read: () => Promise.resolve(pieces.shift()!),
    whole: () => new Uint8Array(4),
    cancel: () => Promise.resolve(),
  };
  const watched = facts.watch(answer({ body }), asked).body!;
  while (await watched.read(new Uint8Array(8)) !== null);
  assertEquals([facts.received, facts.connects, watched.left], [5, 1, 5]);
  facts.watch(answer({ body, answered: 3 }), null).body!.whole();
  assertEquals([facts.received, facts.connects], [9, 1]);
});

Deno.test("Facts.watch() tells the times since the beginning, of the last answer that was asked for", () => {
  const facts = new Facts(100);
  facts.watch(answer(), asked);
  const { connect, tls, request, answer: came, lookup } = facts.times;
  assertEquals({ connect, tls, request, lookup }, { connect: 5, tls: 20, request: 30, lookup: undefined });
  assert(came! >= 0);
  // A connection that was there already.
  const late = new Facts(125);
  late.watch(answer({ answered: 1 }), { ...asked, url: new URL("http://h/") });
  assertEquals([late.times.connect, late.times.tls, late.times.request], [0, undefined, 5]);
  late.watch(answer({ status: 500, sentAt: 999 }), null);
  assertEquals(late.times.request, 5);
});

Deno.test("Facts.watch() says where an answer leads that is not followed, without userinfo", () => {
  const cases: [number, string, string | undefined][] = [
    [302, "/b", "https://h/b"],
    [301, "http://ann:secret@other/x#y", "http://other/x"],
    [307, "ftp://h/", undefined],
    [302, "http://[", undefined],
    [200, "/b", undefined],
  ];
  for (const [status, location, expected] of cases) {
    const facts = new Facts();
    facts.watch(answer({ status, headers: new Headers({ location }) }), asked);
    assertEquals([location, facts.answer?.redirectUrl], [location, expected]);
  }
});
