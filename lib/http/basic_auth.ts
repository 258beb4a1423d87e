/** Credentials of the Basic scheme (RFC 7617), read from an `Authorization` header. */

/** A user name and password as they came from outside. */
export interface BasicCredentials {
  user: string;
  password: string;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const latin1 = new TextDecoder("latin1");

/**
 * The credentials in `header`, or null when it is not a well-formed Basic header. Bytes are UTF-8, as the
 * `charset="UTF-8"` of our challenge says, or Latin-1 from clients that never read it.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(parseBasic("Basic YW5uOnNlY3JldA=="), { user: "ann", password: "secret" });
 * ```
 */
export function parseBasic(header: string): BasicCredentials | null {
  const match = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(header);
  if (match === null) return null;
  let bytes: Uint8Array;
  try {
    bytes = Uint8Array.from(atob(match[1]), (c) => c.charCodeAt(0));
  } catch {
    return null;
  }
  const text = decode(bytes);
  const colon = text.indexOf(":");
  if (colon === -1) return null;
  return { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return latin1.decode(bytes);
  }
}
