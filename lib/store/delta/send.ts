/** The sender's side of a delta: the chunks of a file, then what a receiver asks for of it. */
import * as crypto from "node:crypto";
import { FerryError } from "../../core/errors.ts";
import { Turns } from "../../core/turn.ts";
import { chunkBitsFor, chunkSizes } from "../../delta/chunker.ts";
import { ChunkCutter } from "../../delta/chunk_list.ts";
import { InstructionWriter } from "../../delta/instructions.ts";
import { Searcher } from "../../delta/search.ts";
import { ChunkEntries, chunksEnd, chunksHeader } from "../../wire/chunks.ts";
import { MAX_DELTA_FILE_BYTES } from "../../wire/delta.ts";
import type { DeltaRequest } from "../../wire/delta_request.ts";
import { deltaBlock, deltaEnd, deltaHead, deltaReading } from "../../wire/delta_body.ts";
import { HEARTBEAT_MS } from "../../wire/limits.ts";
import { RangeFile } from "./range_file.ts";
import type { StrictPaths } from "../root.ts";

/** What is read at a time. */
const READ_BYTES = 1024 * 1024;

/** What is read between two pieces of a list. */
const LISTED_BYTES = 8 * 1024 * 1024;

/** What is searched before the first instructions are sent; then twice as much each time. */
const FIRST_BYTES = 2 * 1024 * 1024;

/** The chunks of the file `path` as a body. Throws `conflict` where there is no file to be read. */
export function sendChunks(paths: StrictPaths, path: string): ReadableStream<Uint8Array> {
  const file = opened(paths, path);
  if (file.meta.size <= MAX_DELTA_FILE_BYTES) return bodyOf(chunksOf(file), file);
  file[Symbol.dispose]();
  throw new FerryError("conflict", "it is too large for a list of its chunks");
}

async function* chunksOf(file: RangeFile): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const { meta } = file;
  const sizes = chunkSizes(chunkBitsFor(meta.size));
  yield chunksHeader({ meta, sizes });
  const entries = new ChunkEntries();
  const cutter = new ChunkCutter(sizes, (length, name) => entries.add(length, name));
  const buffer = new Uint8Array(Math.min(READ_BYTES, Math.max(1, meta.size)));
  const turns = new Turns();
  let at = 0;
  while (at < meta.size) {
    const piece = buffer.subarray(0, Math.min(buffer.length, meta.size - at));
    const count = file.read(piece, at);
    if (count < piece.length) throw new FerryError("read_failed", "the file ended early");
    cutter.push(piece);
    at += count;
    if (at % LISTED_BYTES === 0) yield entries.take();
    await turns.due();
  }
  cutter.finish();
  yield entries.take();
  yield chunksEnd(file.outcome() !== null);
}

/**
 * What `request` asks for of the file `path`, as a body; `searched` is called when the memory for that is no longer
 * needed, at the latest at the end. Throws `conflict` when the file
 * is no longer the one whose chunks were sent.
 */
export function sendDelta(
  { paths, path }: { paths: StrictPaths; path: string },
  request: DeltaRequest,
  searched: () => void = () => {},
): ReadableStream<Uint8Array> {
  const file = opened(paths, path);
  if (file.meta.size === request.size && file.meta.mtime === request.mtime) {
    let done = false;
    const once = () => {
      if (!done) searched();
      done = true;
    };
    return bodyOf(deltaOf(file, request, once), file, once);
  }
  file[Symbol.dispose]();
  throw new FerryError("conflict", "it changed meanwhile");
}

async function* deltaOf(
  file: RangeFile,
  request: DeltaRequest,
  searched: () => void,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  yield deltaHead();
  yield* instructionsOf(file, request);
  searched();
  yield* endOf(file);
}

async function* instructionsOf(
  file: RangeFile,
  { ranges, signatures, codecs }: DeltaRequest,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const blocks: Uint8Array<ArrayBuffer>[] = [];
  const missing = ranges.reduce((sum, { length }) => sum + length, 0);
  const writer = new InstructionWriter((block) => blocks.push(block), missing);
  const searcher = new Searcher(signatures);
  const most = ranges.reduce((most, { length }) => Math.max(most, length), 0);
  const buffer = new Uint8Array(Math.min(most, Math.max(READ_BYTES, 2 * signatures.blockBytes)));
  const turns = new Turns();
  let untilSent = FIRST_BYTES, step = FIRST_BYTES;
  for (const { start, length } of ranges) {
    let kept = 0;
    for (let done = 0; done < length;) {
      const want = Math.min(buffer.length, length - done);
      const count = file.read(buffer.subarray(kept, want), start + done + kept);
      if (kept + count < want) throw new FerryError("read_failed", "the file ended early");
      const used = searcher.scan(buffer.subarray(0, want), done + want === length, writer);
      buffer.copyWithin(0, used, want);
      kept = want - used;
      done += used;
      untilSent -= count;
      // The receiver begins to put the file together while the search goes on.
      if (untilSent <= 0) {
        writer.flush();
        untilSent = step *= 2;
      }
      for (const block of blocks.splice(0)) yield await deltaBlock(block, codecs);
      await turns.due();
    }
  }
  writer.flush();
  for (const block of blocks.splice(0)) yield await deltaBlock(block, codecs);
}

/** The end, once the whole file is read: the receiver is at work with the instructions meanwhile. */
async function* endOf(file: RangeFile): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const { size } = file.meta;
  const hash = crypto.createHash("sha256");
  const buffer = new Uint8Array(Math.min(READ_BYTES, size));
  const turns = new Turns();
  let sent = performance.now();
  for (let at = 0; at < size;) {
    const piece = buffer.subarray(0, size - at);
    if (file.read(piece, at) < piece.length) throw new FerryError("read_failed", "the file ended early");
    hash.update(piece);
    at += piece.length;
    await turns.due();
    if (performance.now() - sent < HEARTBEAT_MS) continue;
    sent = performance.now();
    yield deltaReading();
  }
  yield deltaEnd({ changed: file.outcome() !== null, digest: hash.digest() });
}

function opened(paths: StrictPaths, path: string): RangeFile {
  const file = RangeFile.open(paths, path);
  if (file.kind === "ranges") return file;
  throw new FerryError("conflict", file.message);
}

/** `pieces` at the pace of whoever takes them; `file` is closed at the end. */
function bodyOf(
  pieces: AsyncGenerator<Uint8Array<ArrayBuffer>>,
  file: RangeFile,
  ended: () => void = () => {},
): ReadableStream<Uint8Array> {
  const end = () => {
    file[Symbol.dispose]();
    ended();
  };
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        for (;;) {
          const { value, done } = await pieces.next();
          if (done) {
            end();
            return controller.close();
          }
          if (value.length === 0) continue;
          return controller.enqueue(value);
        }
      } catch (error) {
        end();
        throw error;
      }
    },
    cancel: end,
  }, { highWaterMark: 0 });
}
