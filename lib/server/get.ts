/** GET and HEAD: files, whole or in ranges, and the way to folders. */
import { baseName, encodeSegment, joinRoot } from "../core/paths.ts";
import { attachment } from "../http/content_disposition.ts";
import { evaluate, ifRangeHolds, readConditions } from "../http/conditional.ts";
import { formatHttpDate } from "../http/date.ts";
import { fileEtag } from "../http/etag.ts";
import { mediaType } from "../http/media_type.ts";
import { byteranges } from "../http/multipart.ts";
import { prefersHtml } from "../http/problem.ts";
import { contentRange, parseRange, type RangeRequest } from "../http/range.ts";
import { queryValue } from "../http/target.ts";
import { addVary } from "../http/vary.ts";
import { FerryError } from "../core/errors.ts";
import { HttpError } from "./failure.ts";
import { FileBody } from "./file_body.ts";
import { folderReply } from "./folder.ts";
import { type HotFiles, LARGEST_HOT } from "./hot_files.ts";
import type { Reply } from "./reply.ts";
import { type Exchange, find, findFile, notFound, type Target } from "./share.ts";

/** Up to this size a file is read at once: cheaper than a stream, and its truth is known before the head is sent. */
const READ_AT_ONCE = 256 * 1024;

/** The answer to GET or HEAD; where nothing is, browsers may get an application's page. What is small and at rest goes into `hot`. */
export function get(exchange: Exchange, hot: HotFiles): Reply {
  const { spa } = exchange.share;
  if (spa === undefined) return found(exchange, hot);
  try {
    return found(exchange, hot);
  } catch (error) {
    const missing = error instanceof FerryError && error.code === "not_found";
    if (!missing || !prefersHtml(exchange.request.headers.get("accept"))) throw error;
    const page = findFile(exchange, `/${encodeSegment(spa)}`);
    if (page === null) throw error;
    const { reply } = fileReply(exchange, page.real, page.info);
    reply.headers.vary = addVary(reply.headers.vary, "Accept");
    return reply;
  }
}

function found(exchange: Exchange, hot: HotFiles): Reply {
  const target = find(exchange, exchange.path, { perm: "r" });
  if (target.info === null) throw notFound();
  if (target.info.isDirectory) {
    if (!target.slash) return redirect(target.path, exchange.query);
    return folderReply(exchange, target, (real, info) => fileReply(exchange, real, info).reply);
  }
  if (target.slash) throw notFound();
  const { reply, whole, info } = fileReply(exchange, target.real, target.info);
  if (wantsDownload(exchange.query)) {
    if (reply.status !== 304) reply.headers["content-disposition"] = attachment(baseName(target.path));
  } else if (whole !== null && isPlain(exchange.share.root, target)) {
    hot.keep(exchange.path, {
      path: target.path,
      real: target.real,
      info,
      body: whole,
      headers: reply.headers,
    });
  }
  return reply;
}

/** Whether a raw query asks for an answer that a browser stores: then it has a header of its own. */
export function wantsDownload(query: string): boolean {
  return queryValue(query, "download") !== null;
}

function isPlain(root: string, target: Target): boolean {
  return target.real === joinRoot(root, target.path);
}

/** To the form with a slash, which makes the relative links of a listing work. */
function redirect(path: string, query: string): Reply {
  // `./`: a name with a colon would read as a scheme.
  const location = `./${encodeSegment(baseName(path))}/${query}`;
  return { status: 301, headers: { location, "cache-control": "no-cache" }, body: null };
}

/** The answer, and the content where all of it was read and may be kept. */
interface FileReply {
  reply: Reply;
  whole: Uint8Array<ArrayBuffer> | null;
  info: Deno.FileInfo;
}

function fileReply(exchange: Exchange, real: string, expected: Deno.FileInfo): FileReply {
  // Anything else may block in open(), or act on it.
  if (!expected.isFile) throw notFound();
  const file = Deno.openSync(real);
  try {
    const info = file.statSync();
    // Somebody put another thing, perhaps a link, in its place after it was found.
    if (!info.isFile || info.ino !== expected.ino || info.dev !== expected.dev) throw notFound();
    const found = openedReply(exchange, file, info, real);
    if (!(found.reply.body instanceof FileBody)) file.close();
    return found;
  } catch (error) {
    file.close();
    throw error;
  }
}

function openedReply(exchange: Exchange, file: Deno.FsFile, info: Deno.FileInfo, real: string): FileReply {
  const { request, method } = exchange;
  const mtime = info.mtime?.getTime() ?? 0;
  const etag = fileEtag({ size: info.size, mtime, ino: info.ino, dev: info.dev });
  const type = mediaType(baseName(real));
  const headers: Record<string, string> = {
    "content-type": type,
    "etag": etag,
    // A date in the future is no date (RFC 9110 section 8.8.2.1).
    "last-modified": formatHttpDate(Math.min(mtime, Date.now())),
    "accept-ranges": "bytes",
    "cache-control": exchange.share.cacheControl ?? "no-cache",
    "x-content-type-options": "nosniff",
  };
  const current = { etag, mtime };
  const verdict = evaluate(readConditions(request.headers), current, { reading: true });
  if (verdict === "failed") {
    throw new FerryError("precondition_failed", "the file is not in the state asked for");
  }
  if (verdict === "not_modified") {
    const { "content-type": _, ...kept } = headers;
    return { reply: { status: 304, headers: kept, body: null }, whole: null, info };
  }
  const range = wantedRange(request, method, current, info.size);
  if (range.kind === "unsatisfiable") {
    const extra = { "content-range": contentRange(null, info.size) };
    throw new HttpError("range_not_satisfiable", `the file has ${info.size} bytes`, extra);
  }
  if (range.kind === "ranges") {
    return { reply: rangesReply(file, info, headers, range.ranges), whole: null, info };
  }
  if (info.size > READ_AT_ONCE) {
    const body = new FileBody(file, [{ start: 0, end: info.size }], info.size);
    return { reply: { status: 200, headers, body }, whole: null, info };
  }
  const body = readWhole(file, info.size);
  return { reply: { status: 200, headers, body }, whole: body.length <= LARGEST_HOT ? body : null, info };
}

function wantedRange(
  request: Request,
  method: string,
  current: { etag: string; mtime: number },
  size: number,
): RangeRequest {
  const header = method === "GET" ? request.headers.get("range") : null;
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

function readWhole(file: Deno.FsFile, size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  let length = 0;
  while (length < size) {
    const count = file.readSync(bytes.subarray(length));
    if (count === null) throw new FerryError("conflict", "the file is being changed; try again");
    length += count;
  }
  return bytes;
}
