/**
 * Capabilities: signed texts, `ferry1.CONTENT.SIGNATURE`, that let whoever carries them do what they say. There is one
 * way to sign, HMAC with SHA-256, and none that a token could choose.
 */
import { Buffer } from "node:buffer";
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { FerryError } from "../core/errors.ts";
import type { TokenLedger } from "./token_ledger.ts";
import { formatGrant, type Grant, parseGrant } from "./grant.ts";

/** Texts longer than this are no capability of ours: a path of 4,000 bytes and a name fit. */
const MAX_CHARS = 16_384;

/** What all tokens of this kind start with, so that secret scanners and people know one. */
export const TOKEN_PREFIX = "ferry1.";

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Makes capabilities, and knows its own. */
export class Capabilities {
  readonly #key: Uint8Array;
  /** Where they are counted and revoked; null for those of a key that ends with its process. */
  readonly ledger: TokenLedger | null;
  readonly #now: () => number;

  constructor(
    key: Uint8Array = randomBytes(32),
    { ledger = null, now = Date.now }: { ledger?: TokenLedger | null; now?: () => number } = {},
  ) {
    this.#key = key;
    this.ledger = ledger;
    this.#now = now;
  }

  /** A capability, in characters that fit a bearer token (RFC 6750 section 2.1) and a URL. */
  issue(grant: Grant): string {
    const said = Buffer.from(formatGrant(grant)).toString("base64url");
    return `${TOKEN_PREFIX}${said}.${this.#sign(said)}`;
  }

  /** What `token` says, also when it has ended; null when it is not of this key, or damaged. */
  open(token: string): Grant | null {
    const parts = splitToken(token);
    if (parts === null) return null;
    // The texts, not the bytes: there is one way to write a signature.
    const given = Buffer.from(parts.mark);
    const right = Buffer.from(this.#sign(parts.said));
    if (given.length !== right.length || !timingSafeEqual(given, right)) return null;
    return readContent(parts.said);
  }

  /**
   * What `token` says if that holds now; null when it is not of this key, or damaged. Throws `unauthorized` for one that was
   * revoked or has ended, and `forbidden` for one with limits that cannot be kept here.
   */
  check(token: string): Grant | null {
    const grant = this.open(token);
    if (grant === null) return null;
    if (grant.expires <= this.#now()) throw new FerryError("unauthorized", "this token has ended");
    const limited = grant.uses !== undefined || grant.bytes !== undefined;
    if (this.ledger === null && limited) {
      throw new FerryError("forbidden", "this server keeps no account of tokens");
    }
    // Each time: it may have happened in another process, just now.
    if (this.ledger !== null && this.ledger.find(grant.id).revoked !== null) {
      throw new FerryError("unauthorized", "this token was revoked");
    }
    return grant;
  }

  #sign(said: string): string {
    return createHmac("sha256", this.#key).update(TOKEN_PREFIX + said).digest("base64url");
  }
}

/** The id of a new grant, which no other has. */
export function newGrantId(): string {
  return randomBytes(12).toString("hex");
}

/** What `token` says, whoever signed it; null for what is no token. */
export function readUnverified(token: string): Grant | null {
  const parts = splitToken(token);
  return parts === null ? null : readContent(parts.said);
}

function splitToken(token: string): { said: string; mark: string } | null {
  if (token.length > MAX_CHARS || !token.startsWith(TOKEN_PREFIX)) return null;
  const match = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{43})$/.exec(token.slice(TOKEN_PREFIX.length));
  return match === null ? null : { said: match[1], mark: match[2] };
}

function readContent(said: string): Grant | null {
  try {
    return parseGrant(utf8.decode(Buffer.from(said, "base64url")));
  } catch {
    return null;
  }
}
