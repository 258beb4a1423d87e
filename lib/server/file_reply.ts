/** The answer to GET or HEAD of a file: whole or in ranges, as it is or in a content coding. */
import { readFully } from "../core/file_bytes.ts";
import { baseName } from "../core/paths.ts";
import { acceptedCodings, type Coding } from "../http/accept_encoding.ts";
import { evaluate, ifRangeHolds, readConditions } from "../http/conditional.ts";
import { formatHttpDate } from "../http/date.ts";
import { codedEtag } from "../http/etag.ts";
import { mediaType } from "../http/media_type.ts";
import { byteranges } from "../http/multipart.ts";
import { contentRange, parseRange, type RangeRequest } from "../http/range.ts";
import { FerryError } from "../core/errors.ts";
import { encode, madeCoding, mayShrink } from "./coding.ts";
import { HttpError } from "./failure.ts";
import { FileBody } from "./file_body.ts";
import { headersOf304, LARGEST_HOT } from "./hot_files.ts";
import { type FoundFile, openFound } from "./open_file.ts";
import { etagOf } from "./preconditions.ts";
import { KeptBody } from "./kept_body.ts";
import { describe, type Reply } from "./reply.ts";
import { type Exchange, findFile } from "./share.ts";

/**
 * Up to this size a file is read at once, and any that is to be kept: cheaper than a stream, and its truth is known
 * before the head is sent.
 */
const READ_AT_ONCE = 256 * 1024;

/** What a file in a coding is called beside the file itself. */
const EXTENSIONS: Readonly<Record<Coding, string>> = { zstd: ".zst", br: ".br", gzip: ".gz" };

/** The answer, and the content where all of it was read and may be kept. */
export interface FileReply {
  reply: Reply;
  whole: KeptBody | null;
  /** The coding that `whole` was to have; null for none. It may have been left as it is. */
  coding: Coding | null;
  info: Deno.FileInfo;
}

/** A file that was found. */
interface Target extends FoundFile {
  /** Whether the answer may be kept. */
  kept?: boolean;
}

/** One that holds another in a coding. */
interface Sibling extends FoundFile {
  coding: Coding;
}

/** Answers with the file at the raw URL path `rawPath`, which was found as `target`. */
export function fileReply(exchange: Exchange, rawPath: string, target: Target): FileReply {
  const sibling = exchange.share.precompressed ? findSibling(exchange, rawPath, target) : null;
  const { file, info } = openFound(sibling ?? target);
  try {
    const found = openedReply(exchange, file, { info, target, sibling });
    if (!(found.reply.body instanceof FileBody)) file.close();
    return found;
  } catch (error) {
    file.close();
    throw error;
  }
}

/** The file beside `target` that holds it in a coding that the request takes; one that is older holds something else. */
function findSibling(exchange: Exchange, rawPath: string, target: FoundFile): Sibling | null {
  const time = ({ mtime }: Deno.FileInfo) => mtime?.getTime() ?? 0;
  for (const coding of acceptedCodings(exchange.request.headers.get("accept-encoding"))) {
    const found = findFile(exchange, rawPath + EXTENSIONS[coding]);
    if (found !== null && time(found.info) >= time(target.info)) return { ...found, coding };
  }
  return null;
}

function openedReply(
  exchange: Exchange,
  file: Deno.FsFile,
  { info, target, sibling }: { info: Deno.FileInfo; target: Target; sibling: Sibling | null },
): FileReply {
  const { request, method, share } = exchange;
  const mtime = info.mtime?.getTime() ?? 0;
  const type = mediaType(baseName(target.real));
  const headers: Record<string, string> = {
    "content-type": type,
    "etag": etagOf(info),
    // A date in the future is no date (RFC 9110 section 8.8.2.1).
    "last-modified": formatHttpDate(Math.min(mtime, Date.now())),
    "accept-ranges": "bytes",
    "cache-control": share.cacheControl ?? "no-cache",
    "x-content-type-options": "nosniff",
  };
  if (sibling !== null) {
    headers["content-encoding"] = sibling.coding;
    headers.etag = codedEtag(etagOf(target.info), sibling.coding, headers.etag);
  }
  const made = sibling === null && share.coded !== undefined && mayShrink(type, info.size);
  if (made || share.precompressed) headers.vary = "Accept-Encoding";
  const rangeHeader = method === "GET" ? request.headers.get("range") : null;
  // What is made anew each time is not a thing to have a part of: ranges are those of the plain content.
  const coding = made && rangeHeader === null ? madeCoding(request.headers.get("accept-encoding")) : null;
  const coded = coding === null ? null : share.coded!.get(info, coding, () => {
    const made = encode(readWhole(file, info.size), coding);
    file.seekSync(0, Deno.SeekMode.Start);
    return made;
  });
  if (coded !== null) {
    headers["content-encoding"] = coding!;
    headers.etag = codedEtag(headers.etag, coding!);
    delete headers["accept-ranges"];
  }

  const current = { etag: headers.etag, mtime };
  const kept = (reply: Reply, whole: KeptBody | null = null) => ({ reply, whole, coding, info });
  const verdict = evaluate(readConditions(request.headers), current, { reading: true });
  if (verdict === "failed") {
    throw new FerryError("precondition_failed", "the file is not in the state asked for");
  }
  if (verdict === "not_modified") {
    return kept({ status: 304, headers: headersOf304(headers), body: null });
  }
  const keeps = target.kept && sibling === null && (coding === null || !share.precompressed);
  const whole = (bytes: Uint8Array<ArrayBuffer>) => {
    if (!keeps) return kept({ status: 200, headers, body: bytes });
    const body = new KeptBody(bytes, describe(headers, bytes.length));
    return kept({ status: 200, headers, body }, body);
  };
  if (coded !== null) return whole(coded);
  const range = wantedRange(request, rangeHeader, current, info.size);
  if (range.kind === "unsatisfiable") {
    const extra = { "content-range": contentRange(null, info.size) };
    throw new HttpError("range_not_satisfiable", `the file has ${info.size} bytes`, extra);
  }
  if (range.kind === "ranges") return kept(rangesReply(file, info, headers, range.ranges));
  if (info.size > (keeps ? LARGEST_HOT : READ_AT_ONCE)) {
    const body = new FileBody(file, [{ start: 0, end: info.size }], info.size);
    return kept({ status: 200, headers, body });
  }
  // What is kept is copied anyway.
  return whole(readWhole(file, info.size, keeps ? scratch ??= new Uint8Array(LARGEST_HOT) : undefined));
}

/** Memory that files are read into which are copied at once. */
let scratch: Uint8Array<ArrayBuffer> | undefined;

function wantedRange(
  request: Request,
  header: string | null,
  current: { etag: string; mtime: number },
  size: number,
): RangeRequest {
  if (header === null) return { kind: "ignored" };
  const ifRange = request.headers.get("if-range");
  return ifRange === null || ifRangeHolds(ifRange, current) ? parseRange(header, size) : { kind: "ignored" };
}

function rangesReply(
  file: Deno.FsFile,
  info: Deno.FileInfo,
  headers: Record<string, string>,
  ranges: Extract<RangeRequest, { kind: "ranges" }>["ranges"],
): Reply {
  if (ranges.length === 1) {
    const [range] = ranges;
    headers["content-range"] = contentRange(range, info.size);
    return { status: 206, headers, body: new FileBody(file, [range], range.end - range.start) };
  }
  const parts = byteranges(ranges, { size: info.size, type: headers["content-type"] });
  headers["content-type"] = parts.type;
  return { status: 206, headers, body: new FileBody(file, parts.segments, parts.length) };
}

/** Reads `size` bytes, into the start of `memory` where it is given. */
function readWhole(
  file: Deno.FsFile,
  size: number,
  memory = new Uint8Array(size),
): Uint8Array<ArrayBuffer> {
  const bytes = memory.subarray(0, size);
  if (readFully(file, bytes) < size) throw new FerryError("conflict", "the file is being changed; try again");
  return bytes;
}
