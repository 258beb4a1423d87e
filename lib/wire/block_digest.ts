/**
 * The digest behind a file that comes piece by piece: the SHA-256 over the CRC-32 of each MiB of it, big-endian, in
 * order. It finds what was damaged on the way as surely as Ethernet and gzip do, for each MiB, and costs a thirtieth of
 * a SHA-256 over all bytes, which takes as long as all the rest of a transfer on a fast network. It is no proof that
 * two files are the same against somebody who makes them; where that is the question, the digest is a plain SHA-256.
 */
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";

/** What one checksum is of; the last block may be shorter. */
export const DIGEST_BLOCK_BYTES = 1024 * 1024;

/** Digests content that comes in pieces of any size. */
export class BlockDigest {
  readonly #sums = createHash("sha256");
  readonly #sum = new Uint8Array(4);
  #crc = 0;
  #filled = 0;

  /** Takes the next bytes. */
  update(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + DIGEST_BLOCK_BYTES - this.#filled);
      this.#crc = crc32(part, this.#crc);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === DIGEST_BLOCK_BYTES) this.#endBlock();
    }
  }

  #endBlock(): void {
    new DataView(this.#sum.buffer).setUint32(0, this.#crc);
    this.#sums.update(this.#sum);
    this.#crc = 0;
    this.#filled = 0;
  }

  /** The digest of all that came, 32 bytes; nothing may come after it. */
  digest(): Uint8Array {
    if (this.#filled > 0) this.#endBlock();
    return new Uint8Array(this.#sums.digest());
  }
}
