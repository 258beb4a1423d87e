/** The sender's side of a delta: the chunks of a file, then what a receiver asks for of it. */
import * as crypto from "node:crypto";
import { FerryError } from "../../core/errors.ts";
import { turn } from "../../core/turn.ts";
import { chunkBitsFor, chunkSizes } from "../../delta/chunker.ts";
import { ChunkCutter } from "../../delta/chunk_list.ts";
import { InstructionWriter } from "../../delta/instructions.ts";
import { Searcher } from "../../delta/search.ts";
import { ChunkEntries, chunksHeader } from "../../wire/chunks.ts";
import { MAX_DELTA_FILE_BYTES } from "../../wire/delta.ts";
import type { DeltaRequest } from "../../wire/delta_request.ts";
import { trailerBytes } from "../../wire/trailer.ts";
import { deltaBlock, deltaEnd, deltaHead } from "../../wire/delta_body.ts";
import { RangeFile } from "./range_file.ts";
import type { StrictPaths } from "../root.ts";

/** What is read at a time. */
const READ_BYTES = 1024 * 1024;

/** What is read between two turns of the event loop. */
export const TURN_BYTES = 8 * 1024 * 1024;

/** What a piece costs, however short it is, as bytes. */
const RANGE_COST_BYTES = 4096;

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
  const hash = crypto.createHash("sha256");
  const buffer = new Uint8Array(Math.min(READ_BYTES, Math.max(1, meta.size)));
  let at = 0;
  while (at < meta.size) {
    const piece = buffer.subarray(0, Math.min(buffer.length, meta.size - at));
    const count = file.read(piece, at);
    if (count < piece.length) throw new FerryError("read_failed", "the file ended early");
    hash.update(piece);
    cutter.push(piece);
    at += count;
    if (at % TURN_BYTES !== 0) continue;
    yield entries.take();
    await turn();
  }
  cutter.finish();
  yield entries.take();
  yield trailerBytes({ changed: file.outcome() !== null, digest: hash.digest() });
}

/**
 * What `request` asks for of the file `path`, as a body; `ended` is called at its end. Throws `conflict` when the file
 * is no longer the one whose chunks were sent.
 */
export function sendDelta(
  { paths, path }: { paths: StrictPaths; path: string },
  request: DeltaRequest,
  ended: () => void = () => {},
): ReadableStream<Uint8Array> {
  const file = opened(paths, path);
  if (file.meta.size === request.size && file.meta.mtime === request.mtime) {
    return bodyOf(deltaOf(file, request), file, ended);
  }
  file[Symbol.dispose]();
  throw new FerryError("conflict", "it changed meanwhile");
}

async function* deltaOf(file: RangeFile, request: DeltaRequest): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const { ranges, signatures, codecs } = request;
  yield deltaHead();
  const blocks: Uint8Array<ArrayBuffer>[] = [];
  const missing = ranges.reduce((sum, { length }) => sum + length, 0);
  const writer = new InstructionWriter((block) => blocks.push(block), missing);
  const searcher = new Searcher(signatures);
  const most = ranges.reduce((most, { length }) => Math.max(most, length), 0);
  const buffer = new Uint8Array(Math.min(most, Math.max(READ_BYTES, 2 * signatures.blockBytes)));
  let untilTurn = TURN_BYTES;
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
      // A range of one byte is work, too.
      untilTurn -= count + RANGE_COST_BYTES;
      for (const block of blocks.splice(0)) yield await deltaBlock(block, codecs);
      if (untilTurn > 0) continue;
      untilTurn = TURN_BYTES;
      await turn();
    }
  }
  writer.flush();
  for (const block of blocks.splice(0)) yield await deltaBlock(block, codecs);
  yield deltaEnd(file.outcome() !== null);
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
