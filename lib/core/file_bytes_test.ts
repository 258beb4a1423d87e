import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { FerryError } from "./errors.ts";
import { pieces, readFully, readFullyAt, writeFully } from "./file_bytes.ts";

/** A file of 0, 1, 2, ... that takes and gives at most three bytes at a time. */
class Slow {
  bytes = Uint8Array.from({ length: 10 }, (_, at) => at);
  at = 0;

  readSync(buffer: Uint8Array): number | null {
    const piece = this.bytes.subarray(this.at, this.at + Math.min(3, buffer.length));
    buffer.set(piece);
    this.at += piece.length;
    return piece.length === 0 ? null : piece.length;
  }

  writeSync(bytes: Uint8Array): number {
    const piece = bytes.subarray(0, Math.min(3, this.bytes.length - this.at));
    this.bytes.set(piece, this.at);
    this.at += piece.length;
    return piece.length;
  }

  seekSync(offset: number): number {
    return this.at = offset;
  }
}

Deno.test("readFully() and readFullyAt() fill the buffer, as far as the file goes", () => {
  const buffer = new Uint8Array(8);
  const file = new Slow();
  assertEquals([readFully(file, buffer), [...buffer]], [8, [0, 1, 2, 3, 4, 5, 6, 7]]);
  assertEquals([readFully(file, buffer), [...buffer.subarray(0, 2)]], [2, [8, 9]]);
  assertEquals([readFullyAt(file, buffer, 5), [...buffer.subarray(0, 5)]], [5, [5, 6, 7, 8, 9]]);
  assertEquals(readFully(file, new Uint8Array(0)), 0);
});

Deno.test("writeFully() writes every byte or says that it could not", () => {
  const file = new Slow();
  writeFully(file, new Uint8Array(10).fill(7));
  assertEquals([...file.bytes], Array(10).fill(7));
  assertThrows(() => writeFully(file, new Uint8Array(1)), FerryError, "no more bytes");
});

Deno.test("pieces() gives what there is, once, and stops when it is told to", async () => {
  const { signal } = new AbortController();
  const size = (1 << 20) + 5;
  const read = (buffer: Uint8Array, offset: number) => Math.max(0, Math.min(buffer.length, size - offset));
  for (const [asked, lengths] of [[Infinity, [1 << 20, 5]], [7, [7]], [0, []]] as const) {
    const got: number[] = [];
    for await (const piece of pieces(asked, read, signal)) got.push(piece.length);
    assertEquals(got, [...lengths], `${asked}`);
  }
  const ended = AbortSignal.abort(new Error("enough"));
  const busy = async () => {
    for await (const _ of pieces(Infinity, (buffer) => buffer.length, ended));
  };
  await assertRejects(busy, Error, "enough");
});
