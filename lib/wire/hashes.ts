/**
 * The answer to `POST hashes`: for each file that was asked for, in order, a byte 1 and its SHA-256 (32 bytes), or a
 * byte 2 when it cannot be had. A byte 0 means nothing: it comes while a large file is read, so that the receiver
 * knows that somebody is at work.
 */
import { FerryError } from "../core/errors.ts";

export const HASHES_TYPE = "application/vnd.ferry.hashes";

const WAITING = 0, KNOWN = 1, NONE = 2;
const DIGEST_BYTES = 32;

/** An honest sender waits seconds between two bytes that mean nothing. */
const MOST_WAITS = 100_000;

/** The bytes of one answer; `digest` in lower-case hex, null when there is none. */
export function hashRecord(digest: string | null): Uint8Array<ArrayBuffer> {
  if (digest === null) return Uint8Array.of(NONE);
  const record = new Uint8Array(1 + DIGEST_BYTES);
  record[0] = KNOWN;
  for (let at = 0; at < DIGEST_BYTES; at++) record[at + 1] = parseInt(digest.slice(2 * at, 2 * at + 2), 16);
  return record;
}

/** The byte that means nothing. */
export function waitingRecord(): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(WAITING);
}

/** Puts the answers together from the bytes as they come. */
export class HashesReader {
  readonly #digests: (string | null)[] = [];
  readonly #record = new Uint8Array(DIGEST_BYTES);
  #filled = -1;
  #waits = 0;

  /** `count` is the number of files that were asked for. */
  constructor(readonly count: number) {}

  /** Throws `protocol` for what no honest sender would send. */
  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length;) {
      if (this.#filled === -1) at = this.#tag(chunk, at);
      else at = this.#fill(chunk, at);
    }
  }

  #tag(chunk: Uint8Array, at: number): number {
    const tag = chunk[at];
    if (tag === WAITING) {
      if (++this.#waits > MOST_WAITS) throw malformed("it says nothing");
      return at + 1;
    }
    if (this.#digests.length >= this.count) throw malformed("more hashes than files");
    if (tag === KNOWN) this.#filled = 0;
    else if (tag === NONE) this.#digests.push(null);
    else throw malformed("a record of no known kind");
    return at + 1;
  }

  #fill(chunk: Uint8Array, at: number): number {
    const part = chunk.subarray(at, at + DIGEST_BYTES - this.#filled);
    this.#record.set(part, this.#filled);
    this.#filled += part.length;
    if (this.#filled === DIGEST_BYTES) {
      this.#digests.push(Array.from(this.#record, (byte) => byte.toString(16).padStart(2, "0")).join(""));
      this.#filled = -1;
    }
    return at + part.length;
  }

  /** One answer a file; throws `protocol` when some did not come. */
  finish(): (string | null)[] {
    if (this.#filled !== -1 || this.#digests.length < this.count) throw malformed("it ends early");
    return this.#digests;
  }
}

function malformed(why: string): FerryError {
  return new FerryError("protocol", `malformed hashes: ${why}`);
}
