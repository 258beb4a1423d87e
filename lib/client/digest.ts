/** A digest while bytes pass by. Loaded only where one is wanted: `node:crypto` costs time at the start. */
import { createHash, type Hash } from "node:crypto";
import { type DigestAlgorithm, hexOf } from "../http/digest.ts";

/** The digest of what passed, which may begin anew. */
export class Digest {
  /** Bytes taken since the last reset. */
  count = 0;
  readonly #name: string;
  #hash: Hash;
  #bytes: Uint8Array | undefined;

  constructor(readonly algorithm: DigestAlgorithm = "sha-256") {
    this.#name = algorithm.replace("-", "");
    this.#hash = createHash(this.#name);
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.count += bytes.length;
  }

  reset(): void {
    this.#hash = createHash(this.#name);
    this.#bytes = undefined;
    this.count = 0;
  }

  /** Nothing may be added afterwards but after a reset. */
  bytes(): Uint8Array {
    return this.#bytes ??= this.#hash.digest();
  }

  /** In lower-case hex; nothing may be added afterwards but after a reset. */
  hex(): string {
    return hexOf(this.bytes());
  }
}
