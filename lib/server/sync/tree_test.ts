import { assertEquals } from "@std/assert";
import type { Listing } from "../../wire/tree.ts";
import { streamTree } from "./tree.ts";

Deno.test("streamTree() begins once, however little time its turns have", async () => {
  const clock = performance.now;
  const listings = function* (): Generator<Listing> {
    yield { dir: "", entries: [["d", { kind: "dir", mtime: 5, mode: 0o755 }]] };
    yield { dir: "d", entries: [] };
  };
  const body = streamTree(listings(), {});
  // A machine under load: the first turns are over at once.
  let time = 0;
  let turns = 0;
  performance.now = () => time += turns++ < 6 ? 1000 : 0;
  try {
    const text = await new Response(body as ReadableStream<Uint8Array<ArrayBuffer>>).text();
    const lines = text.trimEnd().split("\n").map((line) => JSON.parse(line));
    assertEquals(lines, [
      { ferry: 1 },
      { dir: "", entries: [["d", "d", 5, 0o755]] },
      { dir: "d", entries: [] },
      { end: 1 },
    ]);
  } finally {
    performance.now = clock;
  }
});
