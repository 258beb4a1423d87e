/** The SHA-256 of files that were asked for, remembered for as long as the files stay as they are. */
import { FerryError } from "../core/errors.ts";
import { isSettled, versionKey } from "./file_version.ts";
import type { FileBody } from "./file_body.ts";
import { Slots } from "./slots.ts";

/** Remembered files; each takes some 200 bytes. */
const MAX_FILES = 10_000;

/** Files hashed at a time, and how long others wait for that. */
const AT_ONCE = 2;
const PATIENCE_MS = 60_000;

/** The sums of a server. */
export class FileDigests {
  readonly #known = new Map<string, string>();
  /** Those that are being sent and hashed at the same time. */
  readonly #watched = new Set<string>();
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #slots = new Slots(AT_ONCE, PATIENCE_MS);

  /**
   * The SHA-256 in base64 of the whole file behind `body`; null when it changes meanwhile, or when too much else is
   * being hashed.
   */
  async ofFile(body: FileBody): Promise<string | null> {
    const before = body.stat();
    const key = versionKey(before);
    for (;;) {
      const known = this.#known.get(key);
      if (known !== undefined) return known;
      const other = this.#underWay.get(key);
      if (other === undefined) break;
      // Whoever hashes it may see it change.
      await other;
    }
    const began = Date.now();
    const hashing = this.#hash(body, { whole: true });
    const settled = hashing.then(() => {}, () => {});
    this.#underWay.set(key, settled);
    try {
      const digest = await hashing;
      if (digest === null || versionKey(body.stat()) !== key) return null;
      if (isSettled(before, began)) this.#keep(key, digest);
      return digest;
    } finally {
      this.#underWay.delete(key);
    }
  }

  /** The SHA-256 in base64 of the whole file behind `body`, if it is remembered. */
  known(body: FileBody): string | undefined {
    return this.#known.get(versionKey(body.stat()));
  }

  /** Remembers the SHA-256 of the file behind `body`, all of which is about to be sent, once it has been. */
  watch(body: FileBody): void {
    const before = body.stat();
    const key = versionKey(before);
    const began = Date.now();
    // One at a time: it takes as long as sending does.
    if (this.#watched.has(key) || !isSettled(before, began)) return;
    this.#watched.add(key);
    body.watch((digest) => {
      this.#watched.delete(key);
      if (digest !== null && versionKey(body.stat()) === key) this.#keep(key, digest);
    });
  }

  /** The SHA-256 in base64 of what `body` is about to send; null as `ofFile`. */
  ofBody(body: FileBody): Promise<string | null> {
    return this.#hash(body, { whole: false });
  }

  async #hash(body: FileBody, options: { whole: boolean }): Promise<string | null> {
    let release: () => void;
    try {
      release = await this.#slots.take();
    } catch (error) {
      // A digest is a favour: the answer goes without it.
      if (error instanceof FerryError && error.code === "too_many") return null;
      throw error;
    }
    try {
      return await body.sha256(options);
    } finally {
      release();
    }
  }

  #keep(key: string, digest: string): void {
    this.#known.set(key, digest);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= MAX_FILES) break;
      this.#known.delete(oldest);
    }
  }
}
