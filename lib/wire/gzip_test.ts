import { assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { FerryError } from "../core/errors.ts";
import { DenseError, gunzip, gunzipStream, gunzipTree, gzip, gzipStream, mostUnpacked } from "./gzip.ts";

async function* pieces(...chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield await Promise.resolve(chunk);
}

async function all(stream: AsyncIterable<Uint8Array>): Promise<number[]> {
  const bytes: number[] = [];
  for await (const piece of stream) bytes.push(...piece);
  return bytes;
}

Deno.test("gunzipStream() gives what gzipStream() took, whatever the pieces", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }), async (chunks) => {
      const packed = gzipStream(ReadableStream.from(chunks));
      assertEquals(await all(gunzipStream(packed)), chunks.flatMap((chunk) => [...chunk]));
    }),
    { numRuns: 40 },
  );
});

Deno.test("gzipStream() holds no piece back", async () => {
  let give!: (bytes: Uint8Array) => void;
  const source = new ReadableStream<Uint8Array>({
    start(controller) {
      give = (bytes) => controller.enqueue(bytes);
    },
  });
  const reader = gunzipStream(gzipStream(source));
  const decoder = new TextDecoder();
  for (const line of ["one\n", "two\n", "three\n"]) {
    give(new TextEncoder().encode(line));
    let text = "";
    while (text.length < line.length) text += decoder.decode((await reader.next()).value);
    assertEquals(text, line);
  }
  await reader.return(undefined);
});

Deno.test("gunzip() gives what gzip() took, and no more than it may", async () => {
  const bytes = new Uint8Array(1_000_000);
  assertEquals((await gunzip(gzip(bytes), bytes.length)).length, bytes.length);
  const error = await assertRejects(() => gunzip(gzip(bytes), bytes.length - 1), FerryError);
  assertEquals(error.code, "too_large");
});

Deno.test("gunzip() takes no few bytes for many", async () => {
  const bomb = gzip(new Uint8Array(2_000_000));
  const error = await assertRejects(() => gunzip(bomb, 16_000_000), FerryError, "send it plain");
  assertEquals([error.code, mostUnpacked(bomb.length), mostUnpacked(50_000)], ["too_large", 2 ** 20, 5e6]);
});

Deno.test("gunzipTree() takes any 16 MiB, and then no more than a hundred times what came", async () => {
  const count = async (packed: Uint8Array) => {
    let size = 0;
    for await (const piece of gunzipTree(pieces(packed))) size += piece.length;
    return size;
  };
  const free = 16 * 1024 * 1024;
  assertEquals(await count(gzip(new Uint8Array(free))), free);
  await assertRejects(() => count(gzip(new Uint8Array(free + 1))), DenseError, "more than 100 times");
  const mixed = new Uint8Array(free + 1);
  for (let at = 0; at < mixed.length; at += 65536) crypto.getRandomValues(mixed.subarray(at, at + 1000));
  assertEquals(await count(gzip(mixed)), mixed.length);
});

Deno.test("gunzipStream() refuses what is not gzip, and what ends early", async () => {
  const packed = gzip(new TextEncoder().encode("hello".repeat(100)));
  const cases = [new Uint8Array(100), packed.subarray(0, packed.length - 9), packed.subarray(0, 5)];
  for (const bytes of cases) {
    const error = await assertRejects(() => all(gunzipStream(pieces(bytes))), FerryError);
    assertEquals([error.code, error.message], ["protocol", "malformed gzip"]);
  }
});

Deno.test("gunzipStream() fails as its body does", async () => {
  // deno-lint-ignore require-yield
  async function* broken(): AsyncGenerator<Uint8Array> {
    await Promise.resolve();
    throw new TypeError("connection reset");
  }
  await assertRejects(() => all(gunzipStream(broken())), TypeError, "connection reset");
});

Deno.test("gzipStream() fails as its body does", async () => {
  const failing = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(new Error("no")) });
  await assertRejects(() => all(gzipStream(failing)), Error, "no");
});

Deno.test("gunzipStream() ends its body when nobody takes more", async () => {
  let ended = false;
  async function* endless(): AsyncGenerator<Uint8Array> {
    const packed = gzip(crypto.getRandomValues(new Uint8Array(60_000)));
    try {
      yield packed.subarray(0, 50_000);
      for (;;) yield await Promise.resolve(new Uint8Array(0));
    } finally {
      ended = true;
    }
  }
  const stream = gunzipStream(endless());
  await stream.next();
  await stream.return(undefined);
  await new Promise((resolve) => setTimeout(resolve, 10));
  assertEquals(ended, true);
});
