/**
 * The receiver's side of a delta: finds in what it has the chunks of a file that is to come, asks for what is missing,
 * and puts the file together. What comes out is a content like any other: staged, and used only when its SHA-256 is
 * the one that the sender gave for the whole file.
 */
import type { ChunkList } from "../../delta/chunk_list.ts";
import { matchChunks, type Range } from "../../delta/match.ts";
import {
  blockBitsFor,
  blockOffsets,
  MAX_BLOCKS,
  newSignatures,
  strongBytesFor,
} from "../../delta/signature.ts";
import { type Chunks, ChunksReader } from "../../wire/chunks.ts";
import { CODECS } from "../../wire/codec.ts";
import { MAX_RANGES, MAX_REQUEST_BYTES } from "../../wire/delta.ts";
import { encodeRequest } from "../../wire/delta_request.ts";
import type { Content, ContentMeta } from "../../wire/stream.ts";
import { AssembledContent, type Parts } from "./assembled_content.ts";
import type { WantedChunks } from "./ends.ts";
import { Bases } from "./bases.ts";
import { RangeFile } from "./range_file.ts";
import type { StrictPaths } from "../root.ts";

/** A file that is known to be put together from old bytes and what a sender is asked for. */
export interface Assembly extends Disposable {
  meta: ContentMeta;
  /** What to ask the sender for. */
  request: Uint8Array<ArrayBuffer>;
  /** The file, once the answer comes. Disposes of the assembly at its end. */
  content(answer: ReadableStream<Uint8Array>, signal?: AbortSignal): Content;
}

/** The place that a file is put together in. */
export interface AssembleOptions {
  paths: StrictPaths;
  /** How many bytes an earlier attempt has left of this version. */
  begun(meta: ContentMeta): Promise<number>;
}

/**
 * Reads a list of chunks and looks for them in old files. Null when there is nothing to look in, or when a
 * delta is not possible: then the whole file has to come. Throws `protocol` for what is not a list.
 */
export async function assemble(
  wanted: WantedChunks,
  { paths, begun }: AssembleOptions,
): Promise<Assembly | null> {
  const { bases, guess, signal } = wanted;
  const reader = new ChunksReader(wanted.chunks);
  const files = bases.map((path) => RangeFile.open(paths, path)).filter((file) => file.kind === "ranges");
  const old = new Bases(files);
  let assembly: Assembly | null = null;
  try {
    const header = await reader.header();
    if (files.every(({ meta }) => meta.size === 0)) return null;
    // Both at once: the sender reads its file while this side reads its own, a little behind.
    const coming = reader.rest(header);
    coming.catch(() => {});
    const there = await old.chunks(header.sizes, reader, signal);
    const chunks = await coming;
    if (there !== null && chunks !== null) {
      assembly = await plan({ chunks, there, old, begun: await begun(chunks.meta) }, { guess, signal });
    }
    return assembly;
  } finally {
    await reader.cancel();
    if (assembly === null) old[Symbol.dispose]();
  }
}

async function plan(
  { chunks, there, old, begun }: { chunks: Chunks; there: ChunkList; old: Bases; begun: number },
  { guess, signal }: Pick<WantedChunks, "guess" | "signal">,
): Promise<Assembly | null> {
  const { meta } = chunks;
  const { start, copies, missing, near } = matchChunks(chunks.list, there, begun);
  if (guess && copies.length === 0) return null;
  const sum = (ranges: readonly Range[]) => ranges.reduce((sum, { length }) => sum + length, 0);
  const blockBytes = 1 << blockBitsFor(sum(near));
  const offsets = blockOffsets(near, blockBytes);
  if (missing.length > MAX_RANGES || offsets.length > MAX_BLOCKS) return null;
  const strongBytes = strongBytesFor(offsets.length, sum(missing));
  const signatures = newSignatures(offsets.length, blockBytes, strongBytes);
  if (!await old.sign(offsets, signatures, signal)) return null;
  const { size, mtime } = meta;
  const request = encodeRequest({ size, mtime, codecs: CODECS, ranges: missing, signatures });
  if (request.length > MAX_REQUEST_BYTES) return null;
  const parts: Parts = { start, copies, missing, offsets, blockBytes };
  return {
    meta,
    request,
    content: (answer, signal) => new AssembledContent({ meta, parts, old, signal }, answer),
    [Symbol.dispose]: () => old[Symbol.dispose](),
  };
}
