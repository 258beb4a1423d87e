import { assert, assertEquals, assertRejects } from "@std/assert";
import * as zlib from "node:zlib";
import { BROTLI, type Codec, CODECS, compress, expand, PLAIN, ZSTD } from "./codec.ts";

const text = new TextEncoder().encode("the same words again and again, ".repeat(10_000));
const FAST = { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 1 } };
const noise = crypto.getRandomValues(new Uint8Array(60_000));
const here = ([ZSTD, BROTLI] as Codec[]).filter((codec) => (CODECS & 1 << codec) !== 0);

Deno.test("compress() takes the best way that both sides have, and expand() undoes it", async () => {
  assert(here.includes(BROTLI));
  const sent = await compress(text, CODECS);
  assertEquals(sent.codec, here[0]);
  for (const codec of here) {
    const { codec: taken, bytes } = await compress(text, 1 << PLAIN | 1 << codec);
    assertEquals(taken, codec);
    assert(bytes.length < text.length / 10);
    assertEquals(new Uint8Array(await expand(codec, bytes, text.length)), text);
  }
});

Deno.test("compress() leaves alone what does not shrink, what is tiny, and what nobody could undo", async () => {
  const cases: [string, Uint8Array, number][] = [
    ["noise", noise, CODECS],
    ["a little noise", noise.subarray(0, 1000), CODECS],
    ["a few bytes", text.subarray(0, 40), CODECS],
    ["nothing", new Uint8Array(0), CODECS],
    ["no codec in common", text, 1 << PLAIN],
    ["codecs of the future", text, 0xf0],
  ];
  for (const [label, bytes, codecs] of cases) {
    const sent = await compress(bytes, codecs);
    assertEquals([label, sent.codec, sent.bytes], [label, PLAIN, bytes]);
    assertEquals(await expand(PLAIN, bytes, bytes.length), bytes);
  }
});

Deno.test("expand() refuses another length, broken bytes and unknown ways", async () => {
  await assertRejects(() => expand(PLAIN, text, text.length - 1), RangeError);
  await assertRejects(() => expand(0, text, text.length));
  await assertRejects(() => expand(7, text, text.length));
  for (const codec of here) {
    const { bytes } = await compress(text, 1 << codec);
    for (const length of [0, 10, text.length - 1, text.length + 1]) {
      await assertRejects(() => expand(codec, bytes, length));
    }
    await assertRejects(() => expand(codec, bytes.subarray(0, bytes.length / 2), text.length));
    await assertRejects(() => expand(codec, noise, text.length));
  }
});

Deno.test("expand() makes no gigabyte of a few bytes", async () => {
  const bombs: [number, Uint8Array][] = [[BROTLI, zlib.brotliCompressSync(new Uint8Array(2 ** 28), FAST)]];
  const { zstdCompressSync } = zlib as { zstdCompressSync?: (bytes: Uint8Array) => Uint8Array };
  if (zstdCompressSync) bombs.push([ZSTD, zstdCompressSync(new Uint8Array(2 ** 28))]);
  for (const [codec, bomb] of bombs) {
    const before = Deno.memoryUsage().rss;
    await assertRejects(() => expand(codec, bomb, 100_000));
    assert(Deno.memoryUsage().rss - before < 2 ** 27);
  }
});
