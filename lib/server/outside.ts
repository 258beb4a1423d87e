/** Answers for paths of a server that no share has: folders on the way to shares, and nothing else. */
import { parseUrlPath } from "../core/paths.ts";
import { FerryError } from "../core/errors.ts";
import type { Access } from "./access.ts";
import { HttpError } from "./failure.ts";
import { listingReply, wantedFormat } from "./folder.ts";
import { redirect } from "./get.ts";
import { mountEntry, pathShown } from "./listing.ts";
import { mountFolders, type SeeMount } from "./mounted.ts";
import { ALLOWED } from "./methods.ts";
import type { Mount } from "./mounts.ts";
import { DAV_HEADERS } from "./options.ts";
import type { Reply } from "./reply.ts";
import { type Exchange, notFound } from "./share.ts";

const ALLOWED_OUTSIDE = "OPTIONS, GET, HEAD, PROPFIND";

/** A request for a path of the server; there the access is the server's too. */
export interface OutsideExchange
  extends Pick<Exchange, "request" | "method" | "path" | "query" | "access" | "link"> {
  /** All of the request's host, as `Mounts.of` gives them. */
  mounts: readonly Mount[];
  /** What the server calls itself. */
  name?: string;
  see: SeeMount<Mount>;
}

/** Throws `misdirected` for a host without shares, `not_found` or `unauthorized` where nothing leads to a share. */
export async function outside(exchange: OutsideExchange): Promise<Reply> {
  const { method, mounts, see } = exchange;
  if (method === "OPTIONS" && exchange.path === "/*") {
    return { status: 204, headers: { allow: ALLOWED, ...DAV_HEADERS }, body: null };
  }
  if (mounts.length === 0) {
    throw new FerryError("misdirected", "nothing is shared under this host name");
  }
  const { path, slash } = parseUrlPath(exchange.path);
  const folders = mountFolders(mounts, path, see);
  if (folders.length === 0) throw nothingHere(exchange.access);
  if (method === "OPTIONS") {
    return { status: 204, headers: { allow: ALLOWED_OUTSIDE, ...DAV_HEADERS }, body: null };
  }
  if (method === "PROPFIND") {
    const { propfindOutside } = await import("./dav/propfind.ts");
    return await propfindOutside(exchange, path, folders);
  }
  if (method !== "GET" && method !== "HEAD") {
    throw new HttpError("method_not_allowed", "this folder only leads to shares; it cannot be changed", {
      allow: ALLOWED_OUTSIDE,
    });
  }
  if (!slash) return redirect(path, exchange.query);
  const open = () => ({
    ...pathShown(path, exchange.link),
    size: folders.length,
    entries: folders.map(mountEntry),
    check() {},
  });
  const format = wantedFormat(exchange);
  return listingReply(exchange, { format, coded: false, archives: false, name: exchange.name, open });
}

/** Who may log in is asked to, whether anything is there or not. */
function nothingHere(access: Access): FerryError {
  const { status, detail } = access.denial("r");
  return status === 401 ? new FerryError("unauthorized", detail) : notFound();
}
