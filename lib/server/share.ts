/** A share: the folder that a server offers, and who may reach what in it. */
import { FerryError } from "../core/errors.ts";
import { parseUrlPath, type UrlPath } from "../core/paths.ts";
import { innerPath, locate, type Located } from "../store/root.ts";
import type { Access, Perm } from "./access.ts";
import type { CodedFiles } from "./coded_files.ts";
import type { DavState } from "./dav/state.ts";
import type { Mounted } from "./mounted.ts";
import type { Patience } from "./patient_body.ts";
import type { Staging } from "./staging.ts";
import type { Uploads } from "./tus/uploads.ts";

/** What is the same for all requests to a share. */
export interface Share {
  /** A real path. */
  root: string;
  /** Whether names that start with a dot are there at all. */
  hidden: boolean;
  follow: "none" | "inside";
  /** The name of the file that stands for its folder. */
  index?: string;
  /** The name of the file in the root that answers for pages that are not there; absent for none. */
  spa?: string;
  /** Where coded contents are kept; absent when nothing is compressed. */
  coded?: CodedFiles;
  /** Whether `FILE.zst`, `FILE.br` and `FILE.gz` stand for FILE where the client takes their coding. */
  precompressed?: boolean;
  /** Whether `?archive=` makes an archive of a folder. */
  archives?: boolean;
  /** What the server calls itself, in the titles of pages. */
  name?: string;
  /** The `Cache-Control` of files; `no-cache` unless told. */
  cacheControl?: string;
  /** Bytes of the largest file that may be sent to it. */
  maxUpload?: number;
  staging: Staging;
  /** Its locks and dead properties. */
  dav: DavState;
  /** Files that come in several requests. */
  uploads: Uploads;
  /** How long it waits for bodies. */
  patience?: Patience;
}

/** One request, with what everybody needs of it. */
export interface Exchange {
  request: Request;
  method: string;
  /** Raw, in the share. */
  path: string;
  /** Raw, with its `?`, or empty. */
  query: string;
  access: Access;
  share: Share;
  /** Where the share is. */
  mounted: Mounted;
  /** Told, in one line, what went wrong inside. */
  warn: (message: string) => void;
  /** The path on the server that a share link is for, where the request came by one; what is around it is not told of. */
  link?: string;
}

/** What a URL path leads to, for somebody who may do there what was asked. */
export interface Target extends UrlPath, Located {}

/**
 * Follows a raw URL path for `perm`: the only way from a request to the file system. A link gives nobody rights that
 * they lack where it leads. Throws `bad_request`, `not_found`, `conflict`, `unauthorized` or `forbidden`.
 */
export function find(
  exchange: Pick<Exchange, "access" | "share">,
  rawPath: string,
  options: { perm: Perm; leaf?: "follow" | "keep" },
): Target {
  const { access, share } = exchange;
  const { path, slash } = parseUrlPath(rawPath);
  demand(access, options.perm, path);
  const located = locate(share.root, path, {
    follow: share.follow,
    hidden: share.hidden,
    leaf: options.leaf,
  });
  const inner = innerPath(share.root, located.real);
  if (inner !== path) demand(access, options.perm, inner);
  return { path, slash, ...located };
}

/** The file at a raw URL path that is shown in place of another; null where it is not there, or not for this user. */
export function findFile(
  exchange: Exchange,
  rawPath: string,
): Target & { info: Deno.FileInfo } | null {
  try {
    const target = find(exchange, rawPath, { perm: "r" });
    return target.info?.isFile ? { ...target, info: target.info } : null;
  } catch (error) {
    // What is answered without it tells no more than it always does.
    if (error instanceof FerryError) return null;
    throw error;
  }
}

/** Throws `unauthorized` or `forbidden` unless `perm` holds at `path`. */
export function demand(access: Access, perm: Perm, path: string): void {
  if (!access.can(perm, path)) throw refusal(access, perm);
}

/** As `demand`, for everything below `path` too. */
export function demandDeep(access: Access, perm: Perm, path: string): void {
  if (!access.canDeep(perm, path)) throw refusal(access, perm);
}

function refusal(access: Access, perm: Perm): FerryError {
  const { status, detail } = access.denial(perm);
  return new FerryError(status === 401 ? "unauthorized" : "forbidden", detail);
}

/** There is nothing at the path, or nothing that is served. */
export function notFound(): FerryError {
  return new FerryError("not_found", "there is nothing at this path");
}
