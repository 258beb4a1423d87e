import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { FerryError } from "../core/errors.ts";
import { chunkSizes } from "../delta/chunker.ts";
import { newSignatures, strongMask } from "../delta/signature.ts";
import {
  ChunkEntries,
  chunksHeader,
  ChunksReader,
  chunksTrailer,
  type DeltaRequest,
  encodeRequest,
  parseRequest,
  peekHeader,
} from "./delta.ts";

const SHA = new Uint8Array(32).map((_, i) => i);

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
    chunksTrailer({ changed, sha256: SHA }),
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
    assertEquals([...chunks!.sha256], [...SHA]);
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
    ["no trailer", good.subarray(0, 50), "ends early"],
    ["an unknown trailer", changed(48, 2), "trailer"],
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

function request(options: Partial<DeltaRequest> = {}): DeltaRequest {
  const signatures = newSignatures(2, 256, 3);
  signatures.weak.set([1, 0xffffffff]);
  signatures.high.set([0x01020300, 0xffffff00]);
  const ranges = [{ start: 0, length: 5 }, { start: 300, length: 2 ** 31 }];
  return { size: 2 ** 35, mtime: 1.7e12, codecs: 14, ranges, signatures, ...options };
}

Deno.test("parseRequest() gives what encodeRequest() wrote", () => {
  assertEquals(parseRequest(encodeRequest(request())), request());
  const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });
  const signature = fc.tuple(word, word, word);
  const ranges = fc.array(fc.tuple(fc.nat(2 ** 30), fc.integer({ min: 1, max: 2 ** 30 })), { maxLength: 5 });
  fc.assert(
    fc.property(
      fc.array(signature, { maxLength: 5 }),
      fc.integer({ min: 2, max: 8 }),
      ranges,
      (list, strong, gaps) => {
        const signatures = newSignatures(list.length, 512, strong);
        const mask = strongMask(strong);
        list.forEach(([weak, high, low], i) => {
          signatures.weak[i] = weak;
          signatures.high[i] = high & mask.high;
          signatures.low[i] = low & mask.low;
        });
        let end = 0;
        const made = gaps.map(([gap, length]) => {
          const start = end + gap;
          end = start + length;
          return { start, length };
        });
        const given = request({ ranges: made, signatures });
        assertEquals(parseRequest(encodeRequest(given)), given);
      },
    ),
  );
});

Deno.test("parseRequest() refuses what no honest receiver would send", () => {
  const good = encodeRequest(request());
  const changed = (at: number, ...values: number[]) => {
    const bytes = good.slice();
    bytes.set(values, at);
    return bytes;
  };
  const cases: [string, Uint8Array, string][] = [
    ["nothing", new Uint8Array(0), "does not start"],
    ["another magic", changed(0, 1), "does not start"],
    ["blocks too short", changed(9, 7), "unknown size"],
    ["blocks too long", changed(9, 21), "unknown size"],
    ["a strong hash of one byte", changed(10, 1), "unknown hash"],
    ["a strong hash of nine bytes", changed(10, 9), "unknown hash"],
    ["a size past all", changed(12, 1), "absurd"],
    ["a time past all", changed(20, 0x7f, 0xf0), "absurd"],
    ["too many ranges", changed(28, 1, 0, 0, 0), "too many"],
    ["too many blocks", changed(32, 1, 0, 0, 0), "too many"],
    ["more blocks than came", changed(32, 0, 0, 0, 3), "does not fit"],
    ["less ranges than came", changed(28, 0, 0, 0, 1), "does not fit"],
    ["no ranges", good.subarray(0, 36), "ends early"],
    ["an empty range", encodeRequest(request({ ranges: [{ start: 1, length: 0 }] })), "not in the file"],
    ["a range behind the end", encodeRequest(request({ size: 100 })), "not in the file"],
    ["a number without an end", changed(36, ...Array<number>(12).fill(255)), "past 2^49"],
  ];
  for (const [label, bytes, text] of cases) {
    const error = assertThrows(() => parseRequest(bytes), FerryError, text);
    assertEquals([label, error.code], [label, "protocol"]);
  }
});
