/** SHA-256 while bytes pass by. Loaded only where one is wanted: `node:crypto` costs time at the start. */
import { createHash, type Hash } from "node:crypto";

/** The SHA-256 of what passed, which may begin anew. */
export class Digest {
  /** Bytes taken since the last reset. */
  count = 0;
  #hash: Hash = createHash("sha256");
  #hex: string | undefined;

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.count += bytes.length;
  }

  reset(): void {
    this.#hash = createHash("sha256");
    this.#hex = undefined;
    this.count = 0;
  }

  /** Lower-case hex; nothing may be added afterwards but after a reset. */
  hex(): string {
    return this.#hex ??= this.#hash.digest("hex");
  }
}
