/** The servers that this one may fetch from: what `--peer` names, and nothing else. */
import { FerryError, quote } from "../core/errors.ts";
import { isWithin, parseUrlPath } from "../core/paths.ts";

/** A server, and the folder of it below which everything may be fetched. */
export interface Peer {
  /** As `URL.origin` gives it. */
  origin: string;
  path: string;
}

/** The peers that `texts` name, each the URL of a server or of a folder there. Throws `usage`. */
export function parsePeers(texts: readonly string[]): Peer[] {
  return texts.map((text) => {
    const url = URL.canParse(text) ? new URL(text) : null;
    if (url === null || !isWeb(url)) {
      throw new FerryError("usage", `--peer ${quote(text)}: must be the http or https URL of a server`);
    }
    const path = folderOf(url);
    if (path === null) {
      throw new FerryError(
        "usage",
        `--peer ${quote(url.origin)}: must have no user, no query, and a path that can be a folder`,
      );
    }
    return { origin: url.origin, path };
  });
}

/**
 * Whether `source` is a folder of one of `peers`. The host is compared as it is written: an address that was not
 * named is not let in because a name leads to it.
 */
export function isPeer(peers: readonly Peer[], source: URL): boolean {
  if (!isWeb(source)) return false;
  const path = folderOf(source);
  return path !== null && peers.some((peer) => peer.origin === source.origin && isWithin(path, peer.path));
}

function isWeb({ protocol }: URL): boolean {
  return protocol === "http:" || protocol === "https:";
}

/** The path of a bare URL that a folder can have; null for another one. */
function folderOf(url: URL): string | null {
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") return null;
  try {
    return parseUrlPath(url.pathname).path;
  } catch {
    return null;
  }
}
