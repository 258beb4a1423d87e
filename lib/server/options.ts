/** OPTIONS (RFC 9110 section 9.3.7). */
import { isHidden, parseUrlPath } from "../core/paths.ts";
import { ALLOWED } from "./methods.ts";
import type { Reply } from "./reply.ts";
import { type Exchange, notFound } from "./share.ts";

// Some clients of Microsoft take a server without the last one for something else than WebDAV.
export const DAV_HEADERS = { dav: "1, 2, 3", "ms-author-via": "DAV" };

/** What methods there are, for one path or (`OPTIONS *`) the whole server. It tells nothing about what exists. */
export function options({ path, share }: Exchange): Reply {
  if (path !== "/*" && !share.hidden && isHidden(parseUrlPath(path).path)) throw notFound();
  return { status: 204, headers: { allow: ALLOWED, "accept-ranges": "bytes", ...DAV_HEADERS }, body: null };
}
