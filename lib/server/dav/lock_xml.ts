/** Locks as properties (RFC 4918 sections 15.8 and 15.10). Pure. */
import { isWithin, parseUrlPath } from "../../core/paths.ts";
import type { Exchange } from "../share.ts";
import type { Lock } from "./locks.ts";
import { escapeXml } from "./xml_write.ts";

/** The value of `DAV:supportedlock`, for all resources. */
export const SUPPORTED_LOCKS = ["exclusive", "shared"].map((scope) =>
  `<D:lockentry><D:lockscope><D:${scope}/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>`
).join("");

/** Who is told of a lock. */
export type Viewer = Pick<Exchange, "access" | "mounted">;

/**
 * The root of `lock` as a URL path, for somebody who knows of what is at `path` and above it: as it was locked by where
 * the viewer may read that, since a link elsewhere may have led there; else as it really is; and where it lies below
 * and may not be read, only `path` itself.
 */
export function shownRoot(lock: Lock, path: string, { access, mounted }: Viewer): string {
  const { path: locked, slash } = parseUrlPath(lock.root);
  if (access.can("r", locked)) return mounted.urlOf(locked, slash);
  const known = isWithin(path, lock.path) || access.can("r", lock.path);
  return known ? mounted.urlOf(lock.path, slash) : mounted.urlOf(path, true);
}

/** The value of `DAV:lockdiscovery` of what is at `path`. The token is shown to the one who may use it. */
export function lockDiscovery(
  locks: readonly Lock[],
  { path, viewer }: { path: string; viewer: Viewer },
  now = Date.now(),
): string {
  return locks.map((lock) => {
    const token = lock.user === viewer.access.user
      ? `<D:locktoken><D:href>${escapeXml(lock.token)}</D:href></D:locktoken>`
      : "";
    return "<D:activelock><D:locktype><D:write/></D:locktype>" +
      `<D:lockscope><D:${lock.shared ? "shared" : "exclusive"}/></D:lockscope>` +
      `<D:depth>${lock.deep ? "infinity" : "0"}</D:depth>${lock.owner}` +
      `<D:timeout>Second-${Math.max(0, Math.ceil((lock.expires - now) / 1000))}</D:timeout>${token}` +
      `<D:lockroot><D:href>${escapeXml(shownRoot(lock, path, viewer))}</D:href></D:lockroot></D:activelock>`;
  }).join("");
}
