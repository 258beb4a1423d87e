import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { FerryError } from "../core/errors.ts";
import type { Outcome } from "./outcome.ts";
import { HEADER_BYTES, KIND_STREAM, MAGIC, PackBuilder, writeHeader } from "./pack.ts";
import { type Content, openStreamed, streamContent } from "./stream.ts";
import { TRAILER_BYTES } from "./trailer.ts";

interface FakeContent extends Content {
  disposed: number;
}

/** Content from memory in the given pieces, which says at its end what `outcome` is. */
function content(pieces: readonly Uint8Array[], outcome: Outcome = null, size?: number): FakeContent {
  const queue = [...pieces];
  return {
    kind: "content",
    meta: { size: size ?? pieces.reduce((sum, piece) => sum + piece.length, 0), mtime: 5, mode: 0o640 },
    next: () => queue.shift() ?? null,
    outcome: () => outcome,
    disposed: 0,
    [Symbol.dispose]() {
      this.disposed++;
    },
  };
}

async function bytesOf(stream: ReadableStream<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer());
}

/** `bytes` as a stream in chunks of `size`; `fail` breaks it off at the end as a lost connection does. */
function streamOf(bytes: Uint8Array, size = 7, fail = false): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at < bytes.length) controller.enqueue(bytes.slice(at, at += size));
      else if (fail) controller.error(new TypeError("error reading a body from connection"));
      else controller.close();
    },
  });
}

/** All that a stream says: the content, what came of it, or the error. */
async function readThrough(stream: ReadableStream<Uint8Array>) {
  const opened = await openStreamed(stream);
  if (opened.kind === "problem") return { problem: opened.code };
  using open = opened;
  const chunks: number[] = [];
  for (let chunk = await open.next(); chunk !== null; chunk = await open.next()) chunks.push(...chunk);
  return { meta: open.meta, bytes: new Uint8Array(chunks), outcome: open.outcome() };
}

Deno.test("openStreamed() gives back what streamContent() sent, however it is cut up", async () => {
  const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 6 });
  await fc.assert(fc.asyncProperty(pieces, fc.integer({ min: 1, max: 90 }), async (parts, size) => {
    const source = content(parts);
    const body = await bytesOf(streamContent(source, 3));
    assertEquals(source.disposed, 1);
    assertEquals(await readThrough(streamOf(body, size)), {
      meta: source.meta,
      bytes: new Uint8Array(parts.flatMap((part) => [...part])),
      outcome: null,
    });
  }));
});

Deno.test("streamContent() counts every byte and copies what its source will overwrite", async () => {
  const buffer = new Uint8Array(3);
  let round = 0;
  const source = content([]);
  source.meta = { size: 6, mtime: 0, mode: 0 };
  source.next = () => round < 2 ? buffer.fill(++round) : null;
  let counted = 0;
  const body = await bytesOf(streamContent(source, 0, (bytes) => counted += bytes));
  assertEquals(counted, body.length);
  assertEquals((await readThrough(streamOf(body))).bytes, new Uint8Array([1, 1, 1, 2, 2, 2]));
});

Deno.test("streamContent() marks what changed while it was read", async () => {
  const source = content([new Uint8Array(10)], { code: "changed", message: "it changed" });
  const { outcome } = await readThrough(streamOf(await bytesOf(streamContent(source, 0))));
  assertEquals(outcome?.code, "changed");
});

Deno.test("streamContent() breaks off when its content ends early, so that nobody takes it for whole", async () => {
  const source = content([new Uint8Array(10)], { code: "changed", message: "it shrank" }, 11);
  await assertRejects(() => bytesOf(streamContent(source, 0)), Error, "it shrank");
  assertEquals(source.disposed, 1);
});

Deno.test("streamContent() closes its content when the taker goes away", async () => {
  const source = content([new Uint8Array(10), new Uint8Array(10)]);
  const reader = streamContent(source, 0).getReader();
  await reader.read();
  await reader.cancel();
  assertEquals(source.disposed, 1);
});

Deno.test("openStreamed() refuses a stream cut off at any byte", async () => {
  const body = await bytesOf(streamContent(content([new Uint8Array(20).fill(9)]), 0));
  for (let cut = 0; cut < body.length; cut++) {
    const error = await assertRejects(() => readThrough(streamOf(body.subarray(0, cut))), FerryError);
    assertEquals([cut, error.code], [cut, "protocol"]);
  }
});

Deno.test("openStreamed() hands on the error of a connection that breaks", async () => {
  const body = await bytesOf(streamContent(content([new Uint8Array(20)]), 0));
  for (const cut of [0, 5, 40, body.length - 1]) {
    await assertRejects(
      () => readThrough(streamOf(body.subarray(0, cut), 7, true)),
      TypeError,
      "reading a body",
    );
  }
});

Deno.test("openStreamed() finds wrong bytes, digests and frames", async () => {
  const body = await bytesOf(streamContent(content([new Uint8Array(20).fill(9)]), 0));
  const head = MAGIC.length;
  const trailer = head + HEADER_BYTES + 20;
  const cases: [string, number, number, string][] = [
    ["content", head + HEADER_BYTES, 8, "bad_content"],
    ["digest", trailer + 5, body[trailer + 5] ^ 1, "bad_content"],
    ["marked as changed", trailer, 1, "changed"],
    ["trailer", trailer, 2, "unknown trailer"],
    ["magic", 0, 0, "does not start as one"],
    ["kind", head, 9, "unknown kind"],
    ["end", trailer + TRAILER_BYTES, 1, "more than one file"],
    ["size", head + 8, 0xff, "absurd size"],
    ["time", head + 16, 0x7f, "absurd time"],
    ["one byte short", head + 15, 19, "unknown trailer"],
    ["one byte long", head + 15, 21, ""],
  ];
  for (const [label, at, value, text] of cases) {
    const copy = body.slice();
    copy[at] = value;
    const said = await readThrough(streamOf(copy)).then(
      (result) => result.outcome?.code ?? "fine",
      (error) => {
        assert(error instanceof FerryError && error.code === "protocol", `${label}: ${error}`);
        return error.message;
      },
    );
    assert(said !== "fine" && said.includes(text), `${label}: ${said}`);
  }
});

Deno.test("openStreamed() does not allocate what a header claims", async () => {
  const bytes = new Uint8Array(MAGIC.length + HEADER_BYTES);
  bytes.set(MAGIC);
  writeHeader(new DataView(bytes.buffer), MAGIC.length, KIND_STREAM, {
    index: 0,
    size: 2 ** 50,
    mtime: 0,
    mode: 0,
  });
  const opened = await openStreamed(streamOf(bytes));
  assert(opened.kind === "content");
  assertEquals(opened.meta.size, 2 ** 50);
  await assertRejects(() => Promise.resolve(opened.next()), FerryError, "ends early");
  assertEquals(opened.outcome()?.code, "missing");
  opened[Symbol.dispose]();
});

Deno.test("openStreamed() reads a problem, but none of an absurd size", async () => {
  const builder = new PackBuilder(new ArrayBuffer(100));
  builder.addProblem(0, "vanished", "gone");
  assertEquals(await readThrough(streamOf(builder.finish())), { problem: "vanished" });
  const long = new PackBuilder(new ArrayBuffer(100));
  long.addProblem(0, "vanished", "x".repeat(70_000));
  await assertRejects(() => openStreamed(streamOf(long.finish(), 4096)), FerryError, "unknown kind");
});

Deno.test("Content.outcome() is not null before the last byte came", async () => {
  const body = await bytesOf(streamContent(content([new Uint8Array(20)]), 0));
  const opened = await openStreamed(streamOf(body));
  assert(opened.kind === "content");
  assertEquals(opened.outcome()?.code, "missing");
  await opened.next();
  assertEquals(opened.outcome()?.code, "missing");
  opened[Symbol.dispose]();
});

/** The content of `bytes` without its first `offset`, as a local file gives it. */
function restOf(bytes: Uint8Array, offset: number): FakeContent {
  const source = content([bytes.slice(offset)].filter(({ length }) => length > 0), null, bytes.length);
  source.rest = {
    kind: "local",
    offset,
    beginning: (take) => {
      take(bytes.subarray(0, offset >> 1));
      take(bytes.subarray(offset >> 1, offset));
      return Promise.resolve();
    },
  };
  return source;
}

Deno.test("openStreamed() judges the end of a file with the beginning that its receiver has", async () => {
  const bytes = new Uint8Array(100).map((_, i) => i);
  const seeds: [number, Uint8Array, string | null][] = [
    [1, bytes, null],
    [60, bytes, null],
    [100, bytes, null],
    [60, new Uint8Array(100), "bad_content"],
  ];
  for (const [offset, had, expected] of seeds) {
    const body = await bytesOf(streamContent(restOf(bytes, offset), 0));
    const opened = await openStreamed(streamOf(body), { offset });
    assert(opened.kind === "content" && opened.rest?.kind === "peer");
    assertEquals([opened.meta.size, opened.rest.offset], [100, offset]);
    opened.rest.seed(had.subarray(0, offset));
    let left = 0;
    for (let chunk = await opened.next(); chunk !== null; chunk = await opened.next()) left += chunk.length;
    assertEquals([offset, left, opened.outcome()?.code ?? null], [offset, 100 - offset, expected]);
    opened[Symbol.dispose]();
  }
});

Deno.test("streamContent() hands on the end of a file with the digest of the whole", async () => {
  const bytes = new Uint8Array(100).map((_, i) => i);
  const first = await openStreamed(streamOf(await bytesOf(streamContent(restOf(bytes, 60), 0))), {
    offset: 60,
  });
  assert(first.kind === "content");
  const second = await openStreamed(streamOf(await bytesOf(streamContent(first, 9))), { offset: 60 });
  assert(second.kind === "content" && second.rest?.kind === "peer");
  second.rest.seed(bytes.subarray(0, 60));
  while (await second.next() !== null);
  assertEquals(second.outcome(), null);
});

Deno.test("openStreamed() refuses a file that is smaller than what was left out of it", async () => {
  const body = await bytesOf(streamContent(content([new Uint8Array(10)]), 0));
  await assertRejects(
    () => openStreamed(streamOf(body), { offset: 11 }),
    FerryError,
    "smaller than what was left out",
  );
});
