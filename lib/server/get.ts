/** GET and HEAD: files, and the way to folders. */
import { FerryError } from "../core/errors.ts";
import { baseName, encodeSegment, joinRoot } from "../core/paths.ts";
import { attachment } from "../http/content_disposition.ts";
import { prefersHtml } from "../http/problem.ts";
import { queryValue } from "../http/target.ts";
import { addVary } from "../http/vary.ts";
import { checkIf } from "./dav/guard.ts";
import { fileReply } from "./file_reply.ts";
import { folderReply } from "./folder.ts";
import { madeCoding } from "./coding.ts";
import { answerHot, type HotFiles, hotKey } from "./hot_files.ts";
import type { Reply } from "./reply.ts";
import { type Exchange, find, findFile, notFound, type Target } from "./share.ts";

/** The answer to GET or HEAD; where nothing is, browsers may get an application's page. What is small and at rest goes into `hot`. */
export function get(exchange: Exchange, hot: HotFiles): Reply {
  const { spa } = exchange.share;
  if (spa === undefined) return answer(exchange, hot);
  try {
    return answer(exchange, hot);
  } catch (error) {
    const missing = error instanceof FerryError && error.code === "not_found";
    if (!missing || !prefersHtml(exchange.request.headers.get("accept"))) throw error;
    const path = `/${encodeSegment(spa)}`;
    const page = findFile(exchange, path);
    if (page === null) throw error;
    const { reply } = fileReply(exchange, path, page);
    reply.headers.vary = addVary(reply.headers.vary, "Accept");
    return reply;
  }
}

function answer(exchange: Exchange, hot: HotFiles): Reply {
  const target = find(exchange, exchange.path, { perm: "r" });
  if (target.info === null) throw notFound();
  if (target.slash && !target.info.isDirectory) throw notFound();
  checkIf(exchange);
  if (target.info.isDirectory) {
    if (!target.slash) return redirect(target.path, exchange.query);
    return folderReply(exchange, target, (path, file) => fileReply(exchange, path, file).reply);
  }
  const found = { real: target.real, info: target.info };
  if (wantsDownload(exchange.query)) {
    const { reply } = fileReply(exchange, exchange.path, found);
    if (reply.status !== 304) reply.headers["content-disposition"] = attachment(baseName(target.path));
    return reply;
  }
  if (!isPlain(exchange.share.root, target)) return fileReply(exchange, exchange.path, found).reply;
  return keptReply(exchange, { ...found, path: target.path }, hot);
}

/** The answer from `hot`, else from the file at a path without links, which is kept there where it may be. */
function keptReply(
  exchange: Exchange,
  { path, real, info }: { path: string; real: string; info: Deno.FileInfo },
  hot: HotFiles,
): Reply {
  const { request, share, path: rawPath } = exchange;
  // A file beside it that is better may have come.
  if (!share.precompressed) {
    const coding = share.coded ? madeCoding(request.headers.get("accept-encoding")) : null;
    const known = hot.find(rawPath, coding, { real, info });
    const reply = known && answerHot(known, request.headers);
    if (reply) return reply;
  }
  const kept = exchange.method === "GET" && hot.wants(rawPath, info.size);
  const { reply, whole, coding, info: opened } = fileReply(exchange, rawPath, { real, info, kept });
  if (whole !== null) {
    const { headers } = reply;
    hot.keep(hotKey(rawPath, coding), { path, real, info: opened, body: whole, headers });
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
export function redirect(path: string, query: string): Reply {
  // `./`: a name with a colon would read as a scheme.
  const location = `./${encodeSegment(baseName(path))}/${query}`;
  return { status: 301, headers: { location, "cache-control": "no-cache" }, body: null };
}
