/** What stands before each request that changes something: its `If` header, and locks. */
import { FerryError } from "../../core/errors.ts";
import { parentPath, parseUrlPath } from "../../core/paths.ts";
import { parseDestination } from "../../http/destination.ts";
import { plainEtags } from "../../http/etag.ts";
import { authorityOf } from "../../http/target.ts";
import { ifHolds, type IfList, type IfState, parseIf, submittedTokens } from "../../http/if_header.ts";
import { isThere } from "../../store/quiet.ts";
import { innerPath, locate, type Located } from "../../store/root.ts";
import { etagOf } from "../preconditions.ts";
import type { Exchange } from "../share.ts";
import { davError } from "./error.ts";
import { shownRoot } from "./lock_xml.ts";
import type { Lock, Locks } from "./locks.ts";

/**
 * One thing that a request does: `content` to what is at a path, `member` when something comes to that path, with the
 * folders above it that are not there, `tree` when what is there goes away with all below it.
 */
export interface Change {
  kind: "content" | "member" | "tree";
  at: Pick<Located, "real" | "info">;
}

/** Throws `precondition_failed` when the `If` header does not hold, `locked` when a token is missing. */
export function guard(exchange: Exchange, changes: readonly Change[]): void {
  const submitted = checkIf(exchange);
  const locks = exchange.share.dav.known?.locks;
  if (locks === undefined || !locks.any) return;
  // A token is of use to the one who got it alone (section 6.4).
  const mayUse = ({ token, user }: Lock) => submitted.has(token) && user === exchange.access.user;
  const missing = new Set<string>();
  for (const { kind, at } of changes) {
    const path = innerPath(exchange.share.root, kind === "member" ? firstMissing(at.real) : at.real);
    for (const lock of lacking(locks, path, kind, mayUse)) {
      missing.add(shownRoot(lock, path, exchange));
    }
  }
  if (missing.size === 0) return;
  throw davError("locked", "it is locked, and the token of the lock is missing", {
    condition: "lock-token-submitted",
    hrefs: [...missing],
  });
}

/** The highest of the real path and the folders above it at which nothing is. */
export function firstMissing(real: string): string {
  let path = real;
  for (let above = parentPath(path); above !== "" && !isThere(above); above = parentPath(above)) path = above;
  return path;
}

/** Throws `precondition_failed` unless the `If` header holds, if there is one; gives the tokens in it. */
export function checkIf(exchange: Exchange): ReadonlySet<string> {
  const lists = ifLists(exchange);
  if (lists === null) return NONE;
  const states = new Map<string | null, IfState>();
  const stateOf = (resource: string | null) => {
    let state = states.get(resource);
    if (state === undefined) states.set(resource, state = stateAt(exchange, resource));
    return state;
  };
  if (!ifHolds(lists, stateOf)) {
    throw new FerryError("precondition_failed", "what the If header expects does not hold");
  }
  return submittedTokens(lists);
}

const NONE: ReadonlySet<string> = new Set();

/** Whether a change of that kind at `path` needs the token of a lock. */
export function isLocked(locks: Locks, path: string, kind: Change["kind"]): boolean {
  return lacking(locks, path, kind, () => false).length > 0;
}

/** The locks that `change` at `path` needs a token of. Of several shared ones at a place, one token is enough. */
function lacking(
  locks: Locks,
  path: string,
  kind: Change["kind"],
  mayUse: (lock: Lock) => boolean,
): Lock[] {
  const places = new Map<string, Lock[]>([[path, locks.covering(path)]]);
  // What a folder holds is part of its state (section 7.4).
  if (kind !== "content" && path !== "") places.set(parentPath(path), locks.covering(parentPath(path)));
  if (kind === "tree") {
    for (const { path: below } of locks.below(path)) places.set(below, locks.covering(below));
  }
  return [...places.values()].flatMap((held) => held.length === 0 || held.some(mayUse) ? [] : [held[0]]);
}

/** The lists of the header, if there is one. */
export function ifLists(exchange: Exchange): IfList[] | null {
  const header = exchange.request.headers.get("if");
  return header === null ? null : parseIf(plainEtags(header));
}

/** The state of a resource that the header names, or of the one that the request is about. */
function stateAt({ request, path: own, access, share, mounted }: Exchange, resource: string | null): IfState {
  try {
    const named = resource === null
      ? { kind: "path" as const, path: own }
      : parseDestination(resource, request.headers.get("host") ?? authorityOf(request.url));
    if (named.kind !== "path") return NOTHING;
    const inside = resource === null ? own : mounted.inside(named.path);
    if (inside === null) return NOTHING;
    const { path } = parseUrlPath(inside);
    const { real, info } = locate(share.root, path, { follow: share.follow, hidden: share.hidden });
    const inner = innerPath(share.root, real);
    const readable = access.can("r", path) && access.can("r", inner);
    const tokens = new Set(share.dav.known?.locks.covering(inner).map(({ token }) => token));
    return {
      etag: readable && info?.isFile ? etagOf(info) : null,
      hasToken: (token) => tokens.has(token),
    };
  } catch (error) {
    // What is not there has no state.
    if (error instanceof FerryError) return NOTHING;
    throw error;
  }
}

const NOTHING: IfState = { etag: null, hasToken: () => false };
