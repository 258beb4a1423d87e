/** The small headers of WebDAV: `Depth`, `Timeout`, `Lock-Token` (RFC 4918 section 10). */
import { FerryError } from "../core/errors.ts";

/** How far below a folder a request reaches. */
export type Depth = "0" | "1" | "infinity";

/** The `Depth` of a request (null for no header), one of `allowed`; the first of those is the default. */
export function parseDepth(header: string | null, allowed: readonly [Depth, ...Depth[]]): Depth {
  if (header === null) return allowed[0];
  const depth = allowed.find((one) => one === header.trim().toLowerCase());
  if (depth === undefined) {
    throw new FerryError("bad_request", `the Depth header must be ${allowed.join(" or ")} here`);
  }
  return depth;
}

/** The longest time that a lock is given, and what it gets when nothing is asked for. In seconds. */
export const LONGEST_LOCK = 3600;

/**
 * How many seconds a lock is to last: the first wish of a `Timeout` header that can be read, no more than
 * LONGEST_LOCK.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(parseTimeout("Infinite, Second-60"), LONGEST_LOCK);
 * assertEquals(parseTimeout("Second-60"), 60);
 * ```
 */
export function parseTimeout(header: string | null): number {
  for (const wish of (header ?? "").split(",")) {
    if (/^\s*infinite\s*$/i.test(wish)) return LONGEST_LOCK;
    const seconds = /^\s*second-(\d{1,15})\s*$/i.exec(wish)?.[1];
    if (seconds !== undefined) return Math.min(Math.max(Number(seconds), 1), LONGEST_LOCK);
  }
  return LONGEST_LOCK;
}

/** The token in a `Lock-Token` header, without its brackets. Throws `bad_request`. */
export function parseLockToken(header: string | null): string {
  const token = /^\s*<([^<>\s]+)>\s*$/.exec(header ?? "")?.[1];
  if (token === undefined) throw new FerryError("bad_request", "the Lock-Token header must be <TOKEN>");
  return token;
}
