import { assertEquals, assertRejects } from "@std/assert";
import { FerryError } from "../../core/errors.ts";
import type { Content } from "../../wire/stream.ts";
import type { FileFrame } from "../../wire/pack.ts";
import { BufferPool } from "../buffers.ts";
import { SAFE } from "./care.ts";
import { WriterThread } from "./thread.ts";

function place() {
  const root = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "ferry-thread-" }));
  return { root, [Symbol.dispose]: () => Deno.removeSync(root, { recursive: true }) };
}

/** Pieces of a file, `size` bytes each; `fail` breaks off after them. */
function content(pieces: number, size: number, fail?: Error): Content {
  const buffer = new Uint8Array(size);
  let next = 0;
  return {
    kind: "content",
    meta: { size: pieces * size, mtime: 1000, mode: 0o644 },
    // The same memory each time, as a reader may do.
    next: () => {
      if (next < pieces) return buffer.fill(next++);
      if (fail) throw fail;
      return null;
    },
    outcome: () => null,
    [Symbol.dispose]() {},
  };
}

Deno.test("WriterThread writes a large file as it comes, and gives no bytes to two owners", async () => {
  using at = place();
  const session = new WriterThread({ root: at.root, safety: SAFE });
  assertEquals(await session.stageContent(1, content(50, 70_000)), null);
  const operation = { op: "file" as const, path: "big", stage: 1, mode: 0o644, mtime: 1000, expect: null };
  assertEquals(await session.commit([operation]), [null]);
  assertEquals(await session.close(), []);
  const bytes = Deno.readFileSync(`${at.root}/big`);
  assertEquals(bytes.length, 50 * 70_000);
  for (let piece = 0; piece < 50; piece++) {
    assertEquals([bytes[piece * 70_000], bytes[piece * 70_000 + 69_999]], [piece, piece]);
  }
});

Deno.test("WriterThread passes on an error of the content and keeps nothing of it", async () => {
  using at = place();
  const session = new WriterThread({ root: at.root, safety: SAFE });
  const broken = new FerryError("partial_transfer", "it broke off");
  assertEquals(await assertRejects(() => session.stageContent(1, content(9, 1000, broken))), broken);
  await session.close();
  assertEquals([...Deno.readDirSync(at.root)], []);
});

Deno.test("WriterThread hands memory over and back", async () => {
  using at = place();
  const pool = new BufferPool();
  const session = new WriterThread({ root: at.root, safety: SAFE }, pool);
  // Larger than any that the pool would make by itself for what is asked for below.
  const size = 5_000_000;
  const memory = pool.take(size);
  const frame: FileFrame = {
    kind: "file",
    index: 0,
    mtime: 0,
    mode: 0o644,
    content: new Uint8Array(memory, 3, 500),
  };
  assertEquals(await session.stage([frame], ["f"]), [null]);
  assertEquals([memory.byteLength, pool.take(1).byteLength], [0, size]);
  await session.close();
});

Deno.test("WriterThread gives errors with their codes, and answers nothing once it is closed", async () => {
  using at = place();
  // The stage cannot be made where a file stands in its place.
  Deno.writeTextFileSync(`${at.root}/.ferry`, "");
  const session = new WriterThread({ root: at.root, safety: SAFE });
  const frame: FileFrame = { kind: "file", index: 0, mtime: 0, mode: 0o644, content: new Uint8Array(1) };
  const error = await assertRejects(() => session.stage([frame], ["f"]), FerryError);
  assertEquals([error.code, error.message.includes(at.root)], ["write_failed", true]);
  const large = await assertRejects(() => session.stageContent(1, content(200, 1000)), FerryError);
  assertEquals(large.code, "write_failed");
  await session.close();
  assertEquals((await assertRejects(() => session.commit([]), FerryError)).code, "gone");
});
