/**
 * Capabilities: signed texts that let whoever carries them do a part of what their issuer may, for a while. The key is
 * made when the server starts, so none outlives it.
 */
import { Buffer } from "node:buffer";
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { PermSet } from "./access.ts";

/** What a capability says. */
export interface Grant {
  /** Whose permissions it narrows; null for somebody who is not logged in. */
  user: string | null;
  /** It holds here and below. */
  path: string;
  perms: PermSet;
  /** When it ends, in ms since 1970. */
  expires: number;
}

/** Texts longer than this are no capability of ours: a path of 4,000 bytes and a name fit. */
const MAX_CHARS = 16_384;

const PREFIX = "ferry1.";

/** Makes capabilities, and knows its own. */
export class Capabilities {
  readonly #key: Uint8Array;
  readonly #now: () => number;

  constructor(key: Uint8Array = randomBytes(32), now: () => number = Date.now) {
    this.#key = key;
    this.#now = now;
  }

  /** A capability, in characters that fit a bearer token (RFC 6750 section 2.1). */
  issue(grant: Grant): string {
    const { user, path, perms, expires } = grant;
    const said = Buffer.from(JSON.stringify([user, path, perms, expires])).toString("base64url");
    return `${PREFIX}${said}.${this.#sign(said).toString("base64url")}`;
  }

  /** What `token` says, or null when it is not of this key, is damaged, or has ended. */
  open(token: string): Grant | null {
    if (token.length > MAX_CHARS || !token.startsWith(PREFIX)) return null;
    const [said, mark, ...more] = token.slice(PREFIX.length).split(".");
    if (mark === undefined || more.length > 0) return null;
    const given = Buffer.from(mark, "base64url");
    const right = this.#sign(said);
    if (given.length !== right.length || !timingSafeEqual(given, right)) return null;
    const [user, path, perms, expires] = JSON.parse(Buffer.from(said, "base64url").toString());
    return expires > this.#now() ? { user, path, perms, expires } : null;
  }

  #sign(said: string): Buffer {
    return createHmac("sha256", this.#key).update(PREFIX + said).digest();
  }
}
