/** What a folder is answered with: its index file, or a listing as HTML, JSON or text. */
import { accepts } from "@std/http/negotiation";
import { FerryError } from "../core/errors.ts";
import { encodeSegment } from "../core/paths.ts";
import { queryValue } from "../http/target.ts";
import { PAGE_POLICY } from "../http/problem.ts";
import type { Coding } from "../http/accept_encoding.ts";
import { addVary } from "../http/vary.ts";
import { archiveReply } from "./archive/archive_reply.ts";
import { type ArchiveFormat, archiveFormat } from "./archive/format.ts";
import { encode, madeCoding, mayShrink } from "./coding.ts";
import { type OpenListing, openListing, readListing } from "./listing.ts";
import { JSON_TYPE, jsonParts, type ListingFormat, renderListing } from "./listing_render.ts";
import { TextBody } from "./text_body.ts";
import { isUnchangedFolder } from "./preconditions.ts";
import type { Reply } from "./reply.ts";
import { type Exchange, findFile, type Target } from "./share.ts";

/** A listing of more entries is sent while it is read, to who takes it as JSON and in no coding. */
const STREAMED = 1000;

/** Characters that are sent at once. */
const FIRST_PIECE = 16 * 1024;
const PIECE = 64 * 1024;

/** The answer to GET or HEAD of a folder. `file` answers with an index file. */
export function folderReply(
  exchange: Exchange,
  target: Target,
  file: (rawPath: string, found: { real: string; info: Deno.FileInfo }) => Reply,
): Reply {
  const archive = wantedArchive(exchange);
  if (archive !== null) return archiveReply(exchange, target, archive);
  const format = wantedFormat(exchange);
  const { index: name, coded } = exchange.share;
  const indexPath = name === undefined ? null : exchange.path + encodeSegment(name);
  const index = format === "html" && indexPath !== null ? findFile(exchange, indexPath) : null;
  if (index !== null) {
    const reply = file(indexPath!, index);
    reply.headers.vary = addVary(reply.headers.vary, "Accept");
    return reply;
  }
  return listingReply(exchange, {
    format,
    coded: coded !== undefined,
    archives: exchange.share.archives === true,
    name: exchange.share.name,
    open: () => openListing(exchange, target),
  });
}

/**
 * The answer with the listing that `open` gives, in a coding that the request takes where `coded`, as a page with a way
 * to `archives` where there are any.
 */
export function listingReply(
  { request }: Pick<Exchange, "request">,
  { format, coded, archives, name, open }: {
    format: ListingFormat;
    coded: boolean;
    archives: boolean;
    name: string | undefined;
    open: () => OpenListing;
  },
): Reply {
  const unchanged = isUnchangedFolder(request.headers);
  const headers: Record<string, string> = {
    "vary": "Accept",
    "cache-control": "no-cache",
    "x-content-type-options": "nosniff",
  };
  if (unchanged) return { status: 304, headers, body: null };
  const listing = open();
  const coding = coded ? madeCoding(request.headers.get("accept-encoding")) : null;
  if (coded) headers.vary = addVary(headers.vary, "Accept-Encoding");
  if (format === "json" && coding === null && listing.size > STREAMED) {
    headers["content-type"] = JSON_TYPE;
    return { status: 200, headers, body: new TextBody(inPieces(listing)) };
  }
  const { type, body: text } = renderListing(readListing(listing), format, { archives, name });
  headers["content-type"] = type;
  const body = coding === null ? text : codedListing(text, coding, headers);
  if (format === "html") headers["content-security-policy"] = PAGE_POLICY;
  return { status: 200, headers, body };
}

/** The listing as JSON, while it is being read. What is sent was in the folder, and the folder in its place. */
function* inPieces({ path, entries, check }: OpenListing): Generator<string> {
  let text = "";
  // The first one soon, for who shows what comes.
  let enough = FIRST_PIECE;
  for (const part of jsonParts({ path, entries })) {
    text += part;
    if (text.length < enough) continue;
    check();
    yield text;
    text = "";
    enough = PIECE;
  }
  check();
  yield text;
}

/** `text` in `coding` where that makes it smaller, and `headers` with it. */
function codedListing(
  text: string,
  coding: Coding,
  headers: Record<string, string>,
): string | Uint8Array<ArrayBuffer> {
  if (!mayShrink(headers["content-type"], text.length)) return text;
  const coded = encode(new TextEncoder().encode(text), coding);
  if (coded === null) return text;
  headers["content-encoding"] = coding;
  return coded;
}

function wantedArchive({ query, share }: Exchange): ArchiveFormat | null {
  const asked = queryValue(query, "archive");
  if (asked === null) return null;
  if (!share.archives) throw new FerryError("forbidden", "this server does not make archives");
  return archiveFormat(asked);
}

/** The format that a request asks for, by its query or by `Accept`. Throws `bad_request` for one that there is not. */
export function wantedFormat(exchange: Pick<Exchange, "request" | "query">): ListingFormat {
  const asked = queryValue(exchange.query, "format");
  if (asked === "html" || asked === "json" || asked === "text") return asked;
  if (asked !== null) throw new FerryError("bad_request", "format must be html, json or text");
  const accept = exchange.request.headers.get("accept");
  if (accept === null || accept === "*/*") return "html";
  switch (accepts(exchange.request, "text/html", "application/json", "text/plain")) {
    case "application/json":
      return "json";
    case "text/plain":
      return "text";
    default:
      return "html";
  }
}
