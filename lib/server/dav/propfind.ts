/** PROPFIND: the properties of a resource, and of what is in it (RFC 4918 section 9.1). */
import { baseName, childPath, encodeSegment, toUrlPath } from "../../core/paths.ts";
import { type Depth, parseDepth } from "../../http/dav_headers.ts";
import { innerPath } from "../../store/root.ts";
import { FolderLooks } from "../../store/read/folder_looks.ts";
import { lookAt, type LookedAt, type SeenEntry } from "../listing.ts";
import type { Reply } from "../reply.ts";
import { Mounted, type MountFolder, newer, type ShareFolder } from "../mounted.ts";
import { type Exchange, find, notFound, type Target } from "../share.ts";
import { TextBody } from "../text_body.ts";
import { readXml } from "./body.ts";
import type { DeadProperty } from "./dead_properties.ts";
import { davError, XML_TYPE } from "./error.ts";
import { checkIf } from "./guard.ts";
import type { Resource } from "./live_properties.ts";
import type { Viewer } from "./lock_xml.ts";
import type { Lock } from "./locks.ts";
import { parsePropfind, type PropertyRequest } from "./messages.ts";
import { MULTISTATUS_CLOSE, MULTISTATUS_OPEN, propertyReader, propertyResponse } from "./multistatus.ts";

/** Resources that `Depth: infinity` may come to; below a folder with more of them it is refused. */
export const MAX_INFINITY = 20_000;

/** Characters that are sent at a time. An answer that is no longer has its Content-Length. */
const PIECE = 64 * 1024;

/**
 * Answers 207 for the folder `path` of the server, in which there is nothing but `folders`, one at least. Throws
 * `bad_request` and what reading the request throws.
 */
export async function propfindOutside(
  { request, access }: Pick<Exchange, "request" | "access">,
  path: string,
  folders: readonly MountFolder[],
): Promise<Reply> {
  const stats = propertyReader(parsePropfind(await readXml({ request, share: {} })));
  const depth = parseDepth(request.headers.get("depth"), ["infinity", "0", "1"]);
  const href = toUrlPath(path, true);
  const own = { ...folders.reduce<ShareFolder>(newer, folders[0]), name: baseName(path) };
  const viewer = { access, mounted: Mounted.ALONE };
  const responses = [mountResponse(href, own, { stats, viewer })];
  if (depth !== "0") {
    for (const folder of folders) {
      responses.push(mountResponse(`${href}${encodeSegment(folder.name)}/`, folder, { stats, viewer }));
    }
  }
  const headers = { "content-type": XML_TYPE, "cache-control": "no-store" };
  return { status: 207, headers, body: MULTISTATUS_OPEN + responses.join("") + MULTISTATUS_CLOSE };
}

/** Answers 207. */
export async function propfind(exchange: Exchange): Promise<Reply> {
  const request = parsePropfind(await readXml(exchange));
  // From here on nothing waits: what is found is what is answered.
  const target = find(exchange, exchange.path, { perm: "r" });
  if (target.info === null || !(target.info.isFile || target.info.isDirectory)) throw notFound();
  if (target.slash && target.info.isFile) throw notFound();
  checkIf(exchange);
  const depth = parseDepth(exchange.request.headers.get("depth"), ["infinity", "0", "1"]);
  if (depth === "infinity") demandFew(exchange, target);
  const headers: Record<string, string> = { "content-type": XML_TYPE, "cache-control": "no-store" };
  const looks = new FolderLooks();
  const pieces = inPieces(responses(exchange, target, { depth, request, looks }), looks);
  const first = pieces.next();
  if (first.done) return { status: 207, headers, body: "" };
  const second = pieces.next();
  if (second.done) return { status: 207, headers, body: first.value };
  return { status: 207, headers, body: new TextBody(chain([first.value, second.value], pieces)) };
}

function* chain(begun: readonly string[], rest: Generator<string>): Generator<string> {
  yield* begun;
  yield* rest;
}

/** Nothing stays open while a client takes its time. */
function* inPieces(parts: Iterable<string>, looks: FolderLooks): Generator<string> {
  let text = MULTISTATUS_OPEN;
  try {
    for (const part of parts) {
      text += part;
      if (text.length < PIECE) continue;
      looks.rest();
      yield text;
      text = "";
    }
  } finally {
    looks.rest();
  }
  yield text + MULTISTATUS_CLOSE;
}

/** The response of each resource, made when it is asked for. */
function* responses(
  exchange: Exchange,
  target: Target,
  { depth, request, looks }: { depth: Depth; request: PropertyRequest; looks: FolderLooks },
): Generator<string> {
  const { root, dav } = exchange.share;
  const viewer = exchange;
  const stats = propertyReader(request);
  const known = dav.known;
  const inner = innerPath(root, target.real);
  const locksAt = known?.locks.any ? known.locks.snapshot() : null;
  const respond = (href: string, name: string, seen: Seen, dead: readonly DeadProperty[]): string => {
    const { info, real } = seen;
    const inner = innerPath(root, real);
    const locks = locksAt === null ? NO_LOCKS : locksAt(inner);
    return propertyResponse(href, stats({ name, info, real, inner, locks, viewer, dead }));
  };

  if (target.info === null) return;
  const self = { real: target.real, info: target.info };
  const href = exchange.mounted.urlOf(target.path, target.info.isDirectory);
  yield respond(href, baseName(target.path), self, known?.dead.of(inner) ?? NO_DEAD);
  if (depth === "0" || !target.info.isDirectory) return;
  const folders: Folder[] = [{ path: target.path, real: target.real, href, looks }];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const folderInner = innerPath(root, folder.real);
    const dead = known?.dead.in(folderInner);
    for (const name of namesIn(folder)) {
      const seen = lookAt(exchange, folder, name);
      if (seen === null) continue;
      const slash = seen.info.isDirectory;
      const href = folder.href + encodeSegment(name) + (slash ? "/" : "");
      const own = known === null
        ? NO_DEAD
        : seen.kind === "symlink"
        ? known.dead.of(innerPath(root, seen.real))
        : dead?.(name) ?? NO_DEAD;
      yield respond(href, name, seen, own);
      // What links lead to is not below the folder, and may be a loop.
      if (depth === "infinity" && seen.kind === "dir") {
        folders.push({ path: childPath(folder.path, name), real: seen.real, href, looks });
      }
    }
    // Other shares are each asked for themselves.
    for (const { name, ...seen } of exchange.mounted.folders(folder.path)) {
      if (lookAt(exchange, folder, name) !== null) continue;
      yield mountResponse(`${folder.href}${encodeSegment(name)}/`, { name, ...seen }, { stats, viewer });
    }
  }
}

/** The response of a folder that leads to shares. */
function mountResponse(
  href: string,
  folder: MountFolder,
  { stats, viewer }: { stats: ReturnType<typeof propertyReader>; viewer: Viewer },
): string {
  return propertyResponse(href, stats({ ...folder, inner: "", locks: NO_LOCKS, viewer, dead: NO_DEAD }));
}

type Seen = Pick<SeenEntry, "real" | "info">;
type Folder = Required<LookedAt> & { href: string };

const NO_LOCKS: readonly Lock[] = [];
const NO_DEAD: Resource["dead"] = [];

/** The names in a folder, in order; none where it went away or may not be read. */
function namesIn({ real, looks }: Folder): string[] {
  try {
    const names = looks.names(real).sort();
    // A link that leads out may stand there by now.
    return Deno.realPathSync(real) === real ? names : [];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied) return [];
    throw error;
  }
}

/** Throws unless at most MAX_INFINITY entries lie below the folder. */
function demandFew({ share }: Exchange, target: Target): void {
  if (!target.info?.isDirectory) return;
  let count = 0;
  const folders = [target.real];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    try {
      for (const { name, isDirectory } of Deno.readDirSync(folder)) {
        if (++count > MAX_INFINITY) {
          throw davError(
            "forbidden",
            `more than ${MAX_INFINITY} entries lie below this folder: use Depth: 1`,
            {
              condition: "propfind-finite-depth",
            },
          );
        }
        if (isDirectory && (share.hidden || !name.startsWith("."))) folders.push(`${folder}/${name}`);
      }
    } catch (error) {
      if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied) continue;
      throw error;
    }
  }
}
