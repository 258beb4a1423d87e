/** What a folder is answered with: its index file, or a listing as HTML, JSON or text. */
import { accepts } from "@std/http/negotiation";
import { FerryError } from "../core/errors.ts";
import { encodeSegment } from "../core/paths.ts";
import { evaluate, readConditions } from "../http/conditional.ts";
import { queryValue } from "../http/target.ts";
import { PAGE_POLICY } from "../http/problem.ts";
import { addVary } from "../http/vary.ts";
import { readListing } from "./listing.ts";
import { type ListingFormat, renderListing } from "./listing_render.ts";
import type { Reply } from "./reply.ts";
import { type Exchange, findFile, type Target } from "./share.ts";

/** The answer to GET or HEAD of a folder. `file` answers with an index file. */
export function folderReply(
  exchange: Exchange,
  target: Target,
  file: (real: string, info: Deno.FileInfo) => Reply,
): Reply {
  const format = wantedFormat(exchange);
  const { index: name } = exchange.share;
  const index = format === "html" && name !== undefined
    ? findFile(exchange, exchange.path + encodeSegment(name))
    : null;
  if (index !== null) {
    const reply = file(index.real, index.info);
    reply.headers.vary = addVary(reply.headers.vary, "Accept");
    return reply;
  }
  // A listing has no validators; `If-Match: "x"` still fails on it and `If-None-Match: *` holds.
  const verdict = evaluate(readConditions(exchange.request.headers), { etag: null, mtime: null }, {
    reading: true,
  });
  if (verdict === "failed") throw new FerryError("precondition_failed", "a folder has no entity tag");
  const headers: Record<string, string> = {
    "vary": "Accept",
    "cache-control": "no-cache",
    "x-content-type-options": "nosniff",
  };
  if (verdict === "not_modified") return { status: 304, headers, body: null };
  const listing = readListing(exchange, target);
  const { type, body } = renderListing(listing, format);
  headers["content-type"] = type;
  if (format === "html") headers["content-security-policy"] = PAGE_POLICY;
  return { status: 200, headers, body };
}

function wantedFormat(exchange: Exchange): ListingFormat {
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
