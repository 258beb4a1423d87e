/** Requests that come by a share link: who may make them, and for which path. */
import { FerryError } from "../core/errors.ts";
import { isWithin, parseUrlPath } from "../core/paths.ts";
import type { Access } from "./access.ts";
import type { Authenticate } from "./authenticate.ts";
import { HttpError } from "./failure.ts";
import type { Grant } from "./grant.ts";
import type { Reply } from "./reply.ts";
import { notFound } from "./share.ts";
import { linkTarget, readLink } from "./share_link.ts";

/** What links are for. */
const ALLOWED = "OPTIONS, GET, HEAD";

/** The URL is the secret: other sites do not learn it from a referrer, search engines and caches do not keep it. */
export const LINK_HEADERS: Readonly<Record<string, string>> = {
  "referrer-policy": "no-referrer",
  "x-robots-tag": "noindex",
  "cache-control": "private, no-cache",
};

/** A request that a link lets in. */
export interface LinkRequest {
  access: Access;
  token: Grant;
  /** The raw path in the share. */
  at: string;
}

/**
 * Throws `not_found` for what is no link, `forbidden` for a path beside what one is for, and what `parseUrlPath` and
 * `Authenticate` throw.
 */
export async function openLink(
  { path, method }: { path: string; method: string },
  authenticate: (authorization: string) => ReturnType<Authenticate>,
): Promise<LinkRequest> {
  const link = readLink(path);
  if (link === null) throw notFound();
  const access = await authenticate(`Bearer ${link.token}`);
  const token = access?.token ?? null;
  if (access === null || token === null) throw notFound();
  if (!["GET", "HEAD", "OPTIONS"].includes(method)) {
    throw new HttpError("method_not_allowed", "a share link is for reading", { allow: ALLOWED });
  }
  const at = linkTarget(token, link.rest);
  if (!isWithin(parseUrlPath(at).path, token.path)) {
    throw new FerryError("forbidden", "this link does not lead there");
  }
  return { access, token, at };
}

/** The answer to OPTIONS. */
export function linkOptions(): Reply {
  return { status: 204, headers: { allow: ALLOWED, "accept-ranges": "bytes" }, body: null };
}

/** `error` as whoever follows a link is told: nobody is asked for a login. */
export function linkFailure(error: unknown): unknown {
  if (!(error instanceof FerryError) || error.code !== "unauthorized") return error;
  return new FerryError("gone", error.message.replace("token", "link"));
}
