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

/**
 * Digests content that comes in pieces of any size. Each checksum is made in one call, over a block that is whole: on
 * Deno 2.4 `crc32(bytes, value)`, which goes on from another one, gives wrong sums once it has been compiled.
 */
export class BlockDigest {
  readonly #sums = createHash("sha256");
  readonly #sum = new Uint8Array(4);
  /** What has come of a block that is not whole; its memory is taken when there is one. */
  #block: Uint8Array | undefined;
  #filled = 0;

  /** Takes the next bytes. */
  update(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + DIGEST_BLOCK_BYTES - this.#filled);
      at += part.length;
      if (part.length === DIGEST_BLOCK_BYTES) this.#add(part);
      else this.#gather(part);
    }
  }

  #gather(part: Uint8Array): void {
    this.#block ??= new Uint8Array(DIGEST_BLOCK_BYTES);
    this.#block.set(part, this.#filled);
    this.#filled += part.length;
    if (this.#filled < DIGEST_BLOCK_BYTES) return;
    this.#add(this.#block);
    this.#filled = 0;
  }

  #add(block: Uint8Array): void {
    new DataView(this.#sum.buffer).setUint32(0, crc32(block));
    this.#sums.update(this.#sum);
  }

  /** The digest of all that came, 32 bytes; nothing may come after it. */
  digest(): Uint8Array {
    if (this.#filled > 0) this.#add(this.#block!.subarray(0, this.#filled));
    return new Uint8Array(this.#sums.digest());
  }
}
