/** The messages of a delta in version 1, byte for byte, down to where content is cut and how its parts are named. */
import { assertEquals } from "@std/assert";
import { assemble } from "../lib/store/delta/receive.ts";
import { sendChunks, sendDelta } from "../lib/store/delta/send.ts";
import { StrictPaths } from "../lib/store/root.ts";
import { parseRequest } from "../lib/wire/delta_request.ts";
import { tempDir } from "./harness.ts";

const fixture = (name: string) => Deno.readFileSync(new URL(`../fixtures/${name}`, import.meta.url));
const MTIME = 1_700_000_000_123;

/** A seeded text, and one with a word put in and another end. */
function versions(): { old: Uint8Array; wanted: Uint8Array } {
  let state = 1;
  const words = Array.from({ length: 40_000 }, () => {
    state = Math.imul(state, 1664525) + 1013904223 | 0;
    return (state >>> 12).toString(36);
  });
  const encode = (list: string[]) => new TextEncoder().encode(list.join(" "));
  return {
    old: encode(words),
    wanted: encode([...words.slice(0, 20_000), "something new", ...words.slice(20_001), "the end"]),
  };
}

function files() {
  const { old, wanted } = versions();
  const dir = tempDir({ old, wanted });
  Deno.utimeSync(dir.at("wanted"), MTIME / 1000, MTIME / 1000);
  Deno.chmodSync(dir.at("wanted"), 0o640);
  return { dir, paths: new StrictPaths(dir.path), wanted };
}

const options = (paths: StrictPaths) => ({ paths, begun: () => Promise.resolve(0) });

async function bytesOf(body: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(await new Response(body).arrayBuffer());
}

Deno.test("a list of chunks of version 1", async () => {
  const { dir, paths } = files();
  using _ = dir;
  assertEquals(await bytesOf(sendChunks(paths, "wanted")), fixture("chunks_v1.bin"));
});

Deno.test("a request for a delta of version 1", async () => {
  const { dir, paths } = files();
  using _ = dir;
  const chunks = new Response(fixture("chunks_v1.bin")).body!;
  using assembly = await assemble({ path: "wanted", chunks, bases: ["old"], guess: false }, options(paths));
  const { codecs, ...request } = parseRequest(fixture("signatures_v1.bin"));
  assertEquals(codecs, 2);
  const { codecs: _codecs, ...made } = parseRequest(assembly!.request);
  assertEquals(made, request);
});

Deno.test("a delta of version 1, sent and received", async () => {
  const { dir, paths, wanted } = files();
  using _ = dir;
  const request = parseRequest(fixture("signatures_v1.bin"));
  assertEquals(await bytesOf(sendDelta({ paths, path: "wanted" }, request)), fixture("delta_v1.bin"));
  const chunks = new Response(fixture("chunks_v1.bin")).body!;
  const assembly = await assemble({ path: "wanted", chunks, bases: ["old"], guess: false }, options(paths));
  using content = assembly!.content(new Response(fixture("delta_v1.bin")).body!);
  assertEquals(content.meta, { size: wanted.length, mtime: MTIME, mode: 0o640 });
  const parts: number[] = [];
  for (let part = await content.next(); part !== null; part = await content.next()) parts.push(...part);
  assertEquals(content.outcome(), null);
  assertEquals(new Uint8Array(parts), wanted);
});
