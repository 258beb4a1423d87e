/** What files are in content codings, remembered: compressing takes a hundred times as long as sending. */
import type { Coding } from "../http/accept_encoding.ts";
import { isSettled, versionKey } from "./file_version.ts";

/** What a remembered file costs beside its bytes. */
const OVERHEAD = 512;

/** Coded contents by version and coding, the oldest out first when `limit` bytes are full. */
export class CodedFiles {
  readonly #limit: number;
  /** Null for what does not shrink. */
  readonly #kept = new Map<string, Uint8Array<ArrayBuffer> | null>();
  #bytes = 0;

  constructor(limit = 32 * 1024 * 1024) {
    this.#limit = limit;
  }

  /**
   * The content in `coding` of the file that `info` tells of, null where that makes it no smaller: as remembered, else
   * as `make` gives it.
   */
  get(
    info: Deno.FileInfo,
    coding: Coding,
    make: () => Uint8Array<ArrayBuffer> | null,
  ): Uint8Array<ArrayBuffer> | null {
    const key = `${coding} ${versionKey(info)}`;
    const known = this.#kept.get(key);
    if (known !== undefined) return known;
    const began = Date.now();
    const made = make();
    if (isSettled(info, began)) this.#keep(key, made);
    return made;
  }

  #keep(key: string, made: Uint8Array<ArrayBuffer> | null): void {
    this.#kept.set(key, made);
    this.#bytes += (made?.length ?? 0) + OVERHEAD;
    for (const [oldest, bytes] of this.#kept) {
      if (this.#bytes <= this.#limit) break;
      this.#bytes -= (bytes?.length ?? 0) + OVERHEAD;
      this.#kept.delete(oldest);
    }
  }
}
