import { assertEquals, assertRejects } from "@std/assert";
import { FerryError } from "../core/errors.ts";
import { chunkSizes } from "../delta/chunker.ts";
import { ChunkEntries, chunksEnd, chunksHeader, ChunksReader, peekHeader } from "./chunks.ts";

/** `bytes` as a stream, in pieces of at most `size`. */
function streamed(bytes: Uint8Array, size = 1 << 20): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull: (controller) => {
      if (at === bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at += Math.min(size, bytes.length - at)));
    },
  });
}

function listBytes(
  lengths: readonly number[],
  { size = lengths.reduce((a, b) => a + b, 0), bits = 15, changed = false, mtime = 5 } = {},
): Uint8Array {
  const entries = new ChunkEntries();
  lengths.forEach((length, i) => entries.add(length, 2 ** 40 - 1 - i));
  const parts = [
    chunksHeader({ meta: { size, mtime, mode: 0o640 }, sizes: chunkSizes(bits) }),
    entries.take(),
    chunksEnd(changed),
  ];
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

async function readList(bytes: Uint8Array, piece?: number) {
  const reader = new ChunksReader(streamed(bytes, piece));
  try {
    return await reader.rest(await reader.header());
  } finally {
    await reader.cancel();
  }
}

Deno.test("ChunksReader gives what was written, however it comes", async () => {
  const lengths = [16_384, 40_000, 131_072, ...Array<number>(600).fill(17_000), 3];
  for (const piece of [1, 7, 33, 5000, 1 << 20]) {
    const chunks = await readList(listBytes(lengths), piece);
    assertEquals(chunks?.meta, { size: lengths.reduce((a, b) => a + b), mtime: 5, mode: 0o640 });
    assertEquals(lengths.map((_, i) => chunks?.list.lengthAt(i)), lengths);
    assertEquals(chunks?.list.nameAt(600), 2 ** 40 - 601);
  }
  assertEquals((await readList(listBytes([])))?.list.count, 0);
  assertEquals(await readList(listBytes([10], { changed: true })), null);
});

Deno.test("ChunksReader refuses a list that no honest sender would send", async () => {
  const good = listBytes([20_000, 20_000]);
  const changed = (at: number, value: number) => good.map((byte, i) => i === at ? value : byte);
  const cases: [string, Uint8Array, string][] = [
    ["nothing", new Uint8Array(0), "ends early"],
    ["another magic", changed(0, 0), "does not start"],
    ["chunks too small", changed(8, 14), "unknown size"],
    ["chunks too small for the file", listBytes([20_000], { size: 2 ** 35 }), "so large a file"],
    ["chunks too large", changed(8, 21), "unknown size"],
    ["a size past all", changed(16, 1), "absurd"],
    ["a time past all", listBytes([1], { mtime: 2 ** 50 }), "absurd"],
    ["an empty chunk", listBytes([0], { size: 1 }), "no chunk has"],
    ["a chunk too short", listBytes([100, 20_000]), "no chunk has"],
    ["a chunk too long", listBytes([131_073]), "no chunk has"],
    ["more than the file", listBytes([20_000], { size: 19_999 }), "no chunk has"],
    ["less than the file", good.subarray(0, 45), "ends early"],
    ["no end", good.subarray(0, 48), "ends early"],
    ["an unknown end", changed(48, 2), "unknown end"],
  ];
  for (const [label, bytes, text] of cases) {
    const error = await assertRejects(() => readList(bytes), FerryError, text);
    assertEquals([label, error.code], [label, "protocol"]);
  }
});

Deno.test("peekHeader() gives the header and the whole body", async () => {
  const bytes = listBytes([20_000, 20_000]);
  for (const piece of [1, 31, 32, 1000]) {
    const { header, body } = await peekHeader(streamed(bytes, piece));
    assertEquals([header.meta.size, header.sizes.bits], [40_000, 15]);
    assertEquals(new Uint8Array(await new Response(body).arrayBuffer()), bytes);
  }
  await assertRejects(() => peekHeader(streamed(bytes.subarray(0, 20))), FerryError, "ends early");
  await assertRejects(() => peekHeader(streamed(new Uint8Array(40))), FerryError, "does not start");
});
