/** The `If` header of WebDAV (RFC 4918 section 10.4). Pure: who asks says what the state of a resource is. */
import { FerryError } from "../core/errors.ts";
import { strongEqual } from "./etag.ts";

/** One thing that is to hold, or with `not` is not to hold. */
export interface IfCondition {
  not: boolean;
  kind: "token" | "etag";
  /** A URI without its brackets, or an entity tag with its quotes. */
  value: string;
}

/** Conditions that are to hold together, of the resource that the tag names; null for that of the request. */
export interface IfList {
  resource: string | null;
  conditions: IfCondition[];
}

/** What a condition is held against. */
export interface IfState {
  etag: string | null;
  hasToken(token: string): boolean;
}

/** More lists or conditions than this are no request that a client needs. */
const MAX_CONDITIONS = 1000;

/**
 * Reads an `If` header. Throws `bad_request` for what is not one.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(parseIf('(<urn:x:1> ["a"])')[0].conditions.length, 2);
 * ```
 */
export function parseIf(header: string): IfList[] {
  const lists: IfList[] = [];
  const scan = /\s*(?:<([^<>\s]*)>|(\()|$)/y;
  const condition = /\s*(?:(Not)\s*)?(?:<([^<>\s]+)>|\[\s*((?:W\/)?"[^"]*")\s*\])|\s*(\))/iy;
  let resource: string | null = null;
  let count = 0;
  let bare = false;
  for (let at = 0;;) {
    scan.lastIndex = at;
    const match = scan.exec(header);
    if (match === null) throw malformed();
    at = scan.lastIndex;
    const [, tag, open] = match;
    if (tag === undefined && open === undefined) break;
    if (tag !== undefined) {
      // Lists with and without a tag do not mix, and a tag without a list is none.
      if ((resource === null && lists.length > 0) || bare) throw malformed();
      resource = tag;
      bare = true;
      continue;
    }
    bare = false;
    const conditions: IfCondition[] = [];
    for (;;) {
      condition.lastIndex = at;
      const part = condition.exec(header);
      if (part === null || ++count > MAX_CONDITIONS) throw malformed();
      at = condition.lastIndex;
      const [, not, token, etag, close] = part;
      if (close !== undefined) break;
      conditions.push({
        not: not !== undefined,
        kind: token !== undefined ? "token" : "etag",
        value: token ?? etag,
      });
    }
    if (conditions.length === 0) throw malformed();
    lists.push({ resource, conditions });
  }
  if (lists.length === 0 || bare) throw malformed();
  return lists;
}

/** Whether one of the lists holds. `stateOf` tells of the resource of a tag, or of the request (null). */
export function ifHolds(lists: readonly IfList[], stateOf: (resource: string | null) => IfState): boolean {
  return lists.some(({ resource, conditions }) => {
    const state = stateOf(resource);
    return conditions.every(({ not, kind, value }) => {
      const is = kind === "token"
        ? state.hasToken(value)
        : state.etag !== null && strongEqual(value, state.etag);
      return is !== not;
    });
  });
}

/** All lock tokens that the header tells of, wherever they stand: they are submitted (section 10.4.1). */
export function submittedTokens(lists: readonly IfList[]): Set<string> {
  const conditions = lists.flatMap((list) => list.conditions);
  return new Set(conditions.filter(({ kind }) => kind === "token").map(({ value }) => value));
}

function malformed(): FerryError {
  return new FerryError("bad_request", "the If header is malformed");
}
