/** Locks as properties (RFC 4918 sections 15.8 and 15.10). Pure. */
import type { Lock } from "./locks.ts";
import { escapeXml } from "./xml_write.ts";

/** The value of `DAV:supportedlock`, for all resources. */
export const SUPPORTED_LOCKS = ["exclusive", "shared"].map((scope) =>
  `<D:lockentry><D:lockscope><D:${scope}/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>`
).join("");

/** The value of `DAV:lockdiscovery`. The token is shown to the one who may use it. */
export function lockDiscovery(locks: readonly Lock[], user: string | null, now = Date.now()): string {
  return locks.map((lock) => {
    const token = lock.user === user
      ? `<D:locktoken><D:href>${escapeXml(lock.token)}</D:href></D:locktoken>`
      : "";
    return "<D:activelock><D:locktype><D:write/></D:locktype>" +
      `<D:lockscope><D:${lock.shared ? "shared" : "exclusive"}/></D:lockscope>` +
      `<D:depth>${lock.deep ? "infinity" : "0"}</D:depth>${lock.owner}` +
      `<D:timeout>Second-${Math.max(0, Math.ceil((lock.expires - now) / 1000))}</D:timeout>${token}` +
      `<D:lockroot><D:href>${escapeXml(lock.root)}</D:href></D:lockroot></D:activelock>`;
  }).join("");
}
