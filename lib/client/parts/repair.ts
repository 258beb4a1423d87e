/**
 * Mends a file that is damaged in places: the chunk list of a ferry serve (docs/protocol.md, "Delta") tells which, and
 * those are fetched by ranges. Whoever calls this verifies the result: the names of chunks are short.
 */
import { FerryError } from "../../core/errors.ts";
import { parseUrlPath } from "../../core/paths.ts";
import { Turns } from "../../core/turn.ts";
import { chunkName } from "../../delta/chunk_list.ts";
import type { Range } from "../../delta/match.ts";
import { type Chunks, ChunksReader } from "../../wire/chunks.ts";
import { CHUNKS_TYPE } from "../../wire/delta.ts";
import type { Answer } from "../exchange.ts";
import type { Pace } from "../pace.ts";
import type { PartFile } from "./part_file.ts";
import { pump } from "../pump.ts";
import { parseContentRange, type Validator } from "../transfer/resume.ts";

/** A file of the right size, and the version that it should be of. */
export interface DamagedPart {
  file: Pick<PartFile, "readAt" | "writeAt">;
  size: number;
  validator: Validator;
}

/** How the server is asked. */
export interface RepairTools {
  /** A GET of `url` with these headers beside those of the request. */
  get(url: URL, headers: Record<string, string>): Promise<Answer>;
  /** Told of the bytes that come anew. */
  received(bytes: number): void;
  pace?: Pace;
  signal: AbortSignal;
}

/** With more of it wrong than this, it is another file. */
const MOST_DAMAGE = 0.5;

/** What lies between two damaged ranges comes with them when it is this short: a request costs as much. */
const NEAR = 64 * 1024;

/** A damaged file takes so many requests at most. */
const MOST_RANGES = 1000;

/** The list of a file has about 8 bytes for each 32 KiB; no list of one that is mended is longer. */
const MOST_LIST_BYTES = 32 * 1024 * 1024;

/** The call that lists the chunks of the file at `url`; null where that is no file's. Pure. */
export function chunksUrl(url: URL): URL | null {
  try {
    const { path, slash } = parseUrlPath(url.pathname);
    if (slash || path === "") return null;
    const cut = path.lastIndexOf("/");
    const call = new URL("/.ferry/v1/chunks", url);
    call.searchParams.set("path", path.slice(0, Math.max(cut, 0)));
    call.searchParams.set("file", path.slice(cut + 1));
    return call;
  } catch {
    // Not a path that a ferry serve would have.
    return null;
  }
}

/**
 * Fetches anew those ranges of `part` that differ from the file at `url`. Gives how many bytes that were, or null where
 * the server does not tell what is different, too much is, or it has another version by now.
 */
export async function repair(url: URL, part: DamagedPart, tools: RepairTools): Promise<number | null> {
  const call = chunksUrl(url);
  const chunks = call === null ? null : await listOrNull(call, tools);
  if (chunks === null || chunks.meta.size !== part.size) return null;
  const ranges = await damaged(chunks, part.file, tools.signal);
  if (ranges === null || ranges.length === 0) return null;
  let bytes = 0;
  for (const range of ranges) {
    if (!await fetchRange(url, range, { ...tools, part })) return null;
    bytes += range.length;
  }
  return bytes;
}

/** Whether `range` of the version of `part` has come and is in its place. */
async function fetchRange(
  url: URL,
  { start, length }: Range,
  { part, get, signal, received, pace }: RepairTools & { part: DamagedPart },
): Promise<boolean> {
  const { validator } = part;
  const end = start + length;
  const { response, hop } = await get(url, {
    "range": `bytes=${start}-${end - 1}`,
    "if-range": validator.value,
  });
  const range = parseContentRange(response.headers.get("content-range"));
  const exact = response.status === 206 && range?.kind === "part" && range.start === start &&
    range.end === end;
  const same = validator.kind === "date" || response.headers.get("etag") === validator.value;
  if (!exact || !same) {
    await response.body?.cancel();
    return false;
  }
  let at = start;
  const take = (piece: Uint8Array) => {
    part.file.writeAt(piece, at);
    at += piece.length;
    received(piece.length);
  };
  await pump(response.body, take, { url: hop.url, limit: length, pace, signal });
  return true;
}

/** Null also for a server that does anything but answer: few servers know the call. */
async function listOrNull(call: URL, tools: RepairTools): Promise<Chunks | null> {
  try {
    return await fetchChunks(call, tools);
  } catch (error) {
    if (tools.signal.aborted || !(error instanceof FerryError)) throw error;
    return null;
  }
}

async function fetchChunks(call: URL, tools: RepairTools): Promise<Chunks | null> {
  const { response, hop } = await tools.get(call, {});
  if (response.status !== 200 || response.headers.get("content-type") !== CHUNKS_TYPE) {
    await response.body?.cancel();
    return null;
  }
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  await pump(response.body, (piece) => {
    bytes += piece.length;
    if (bytes > MOST_LIST_BYTES) throw new FerryError("protocol", `${hop.url.host} lists chunks without end`);
    pieces.push(piece.slice());
  }, { url: hop.url, signal: tools.signal });
  const reader = new ChunksReader(new Blob(pieces).stream());
  return await reader.rest(await reader.header());
}

/** What of `chunks` is not at its place in `file`; null when it is most of it. */
async function damaged(
  { list, meta, sizes }: Chunks,
  file: Pick<PartFile, "readAt">,
  signal: AbortSignal,
): Promise<Range[] | null> {
  const ranges: Range[] = [];
  const buffer = new Uint8Array(sizes.max);
  const turns = new Turns();
  let wrong = 0;
  for (let index = 0, at = 0; index < list.count; index++) {
    const length = list.lengthAt(index);
    const bytes = buffer.subarray(0, file.readAt(buffer.subarray(0, length), at));
    if (bytes.length !== length || chunkName(bytes) !== list.nameAt(index)) {
      wrong += length;
      const last = ranges.at(-1);
      if (last !== undefined && at - (last.start + last.length) <= NEAR) {
        last.length = at + length - last.start;
      } else ranges.push({ start: at, length });
    }
    at += length;
    await turns.due(signal);
  }
  return wrong > meta.size * MOST_DAMAGE || ranges.length > MOST_RANGES ? null : ranges;
}
