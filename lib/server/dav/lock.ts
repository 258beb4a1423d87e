/** LOCK and UNLOCK (RFC 4918 sections 9.10 and 9.11). */
import { FerryError } from "../../core/errors.ts";
import { parentPath, toUrlPath } from "../../core/paths.ts";
import { parseDepth, parseLockToken, parseTimeout } from "../../http/dav_headers.ts";
import { submittedTokens } from "../../http/if_header.ts";
import { innerPath } from "../../store/root.ts";
import { changeError, syncFolder } from "../../store/write/stage.ts";
import { checkPreconditions } from "../preconditions.ts";
import type { Reply } from "../reply.ts";
import { demand, demandDeep, type Exchange, find, type Target } from "../share.ts";
import { readXml } from "./body.ts";
import { davError, XML_HEAD, XML_TYPE } from "./error.ts";
import { checkIf, guard, ifLists } from "./guard.ts";
import { lockDiscovery, shownRoot, type Viewer } from "./lock_xml.ts";
import type { Lock } from "./locks.ts";
import { type LockRequest, parseLockInfo } from "./messages.ts";
import { MULTISTATUS_CLOSE, MULTISTATUS_OPEN, statusResponse } from "./multistatus.ts";
import type { XmlElement } from "./xml_read.ts";

/** Locks a resource, makes an empty file where there is none (201), or without a body lets a lock last longer. */
export async function lock(exchange: Exchange): Promise<Reply> {
  const body: XmlElement | null = await readXml(exchange);
  const target = find(exchange, exchange.path, { perm: "w" });
  if (body === null) return refresh(exchange, target);
  const wanted = parseLockInfo(body);
  const { headers } = exchange.request;
  const deep = parseDepth(headers.get("depth"), ["infinity", "0"]) === "infinity";
  const { info } = target;
  if (info !== null && !(info.isFile || info.isDirectory)) {
    throw new FerryError("conflict", "something else than a file or folder is there");
  }
  if (target.slash && !info?.isDirectory) {
    throw new FerryError("conflict", "a path that ends with a slash names a folder; make one with MKCOL");
  }
  // A lock keeps others out of all that it covers.
  if (deep && info?.isDirectory) {
    demandDeep(exchange.access, "w", target.path);
    demandDeep(exchange.access, "w", innerPath(exchange.share.root, target.real));
  }
  checkPreconditions(exchange, target);
  if (info === null) guard(exchange, [{ kind: "member", at: target }]);
  else checkIf(exchange);
  return await take(exchange, target, { ...wanted, deep });
}

async function take(
  exchange: Exchange,
  target: Target,
  wanted: LockRequest & { deep: boolean },
): Promise<Reply> {
  const { share, access } = exchange;
  const { real, info } = target;
  const seconds = parseTimeout(exchange.request.headers.get("timeout"));
  const root = toUrlPath(target.path, info?.isDirectory);
  const href = exchange.mounted.urlOf(target.path, info?.isDirectory);
  const path = innerPath(share.root, real);
  const { locks } = share.dav.tables;
  const result = locks.add({ ...wanted, path, root, user: access.user }, seconds);
  if ("inTheWay" in result) return refused(result.inTheWay, { href, path, viewer: exchange });
  if (info === null) {
    try {
      Deno.openSync(real, { write: true, createNew: true }).close();
    } catch (error) {
      locks.remove(result.lock.token);
      if (error instanceof Deno.errors.NotFound) {
        throw new FerryError("conflict", "its parent folder is not there");
      }
      throw changeError(error, target.path);
    }
    share.dav.created(path);
    await syncFolder(parentPath(real) || "/");
  }
  const headers: Record<string, string> = { "lock-token": `<${result.lock.token}>` };
  if (info === null) headers.location = href;
  return discovery(result.lock, { status: info === null ? 201 : 200, headers, viewer: exchange });
}

/** A lock of the resource itself is a plain refusal; one of something below is named in a 207 (section 9.10.9). */
function refused(
  inTheWay: readonly Lock[],
  { href, path, viewer }: { href: string; path: string; viewer: Viewer },
): Reply {
  const below = inTheWay.filter((other) => other.path !== path && other.path.startsWith(path && path + "/"));
  if (below.length < inTheWay.length) {
    throw davError("locked", "another lock is in the way", {
      condition: "no-conflicting-lock",
      hrefs: inTheWay.map((other) => shownRoot(other, path, viewer)),
    });
  }
  const hrefs = new Set(below.map((other) => shownRoot(other, path, viewer)));
  const locked = Array.from(hrefs, (other) => statusResponse(other, 423));
  const body = MULTISTATUS_OPEN + locked.join("") + statusResponse(href, 424) + MULTISTATUS_CLOSE;
  return { status: 207, headers: { "content-type": XML_TYPE }, body };
}

function refresh(exchange: Exchange, target: Target): Reply {
  const lists = ifLists(exchange);
  if (lists === null) {
    throw new FerryError("bad_request", "a LOCK without a body needs an If header with the token of a lock");
  }
  checkIf(exchange);
  const tokens = submittedTokens(lists);
  const { share, access } = exchange;
  const locks = share.dav.known?.locks;
  const held = locks?.covering(innerPath(share.root, target.real)).filter(({ token, user }) =>
    tokens.has(token) && user === access.user
  );
  if (locks === undefined || held?.length !== 1) {
    throw davError("precondition_failed", "the If header must name one lock of this resource", {
      condition: "lock-token-matches-request-uri",
    });
  }
  const seconds = parseTimeout(exchange.request.headers.get("timeout"));
  return discovery(locks.refresh(held[0], seconds), { status: 200, headers: {}, viewer: exchange });
}

function discovery(
  lock: Lock,
  { status, headers, viewer }: Pick<Reply, "status" | "headers"> & { viewer: Viewer },
): Reply {
  const value = lockDiscovery([lock], { path: lock.path, viewer });
  const found = `<D:lockdiscovery>${value}</D:lockdiscovery>`;
  const body = `${XML_HEAD}<D:prop xmlns:D="DAV:">${found}</D:prop>\n`;
  return { status, headers: { ...headers, "content-type": XML_TYPE, "cache-control": "no-store" }, body };
}

/** Ends a lock, which its owner alone may do; answers 204. */
export function unlock(exchange: Exchange): Reply {
  const { share, access } = exchange;
  const wanted = parseLockToken(exchange.request.headers.get("lock-token"));
  const target = find(exchange, exchange.path, { perm: "w" });
  checkIf(exchange);
  const locks = share.dav.known?.locks;
  const held = locks?.covering(innerPath(share.root, target.real)).find(({ token }) => token === wanted);
  if (locks === undefined || held === undefined) {
    throw davError("conflict", "there is no such lock here", { condition: "lock-token-matches-request-uri" });
  }
  demand(access, "w", held.path);
  if (held.user !== access.user) throw new FerryError("forbidden", "the lock is another user's");
  locks.remove(wanted);
  return { status: 204, headers: {}, body: null };
}
