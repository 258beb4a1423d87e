/** Brings a file over as the difference to what the destination has; decides which files are worth it. */
import { mayPass, TRIES, waitAfter } from "../client/fetch/again.ts";
import { StatusError } from "../client/status_error.ts";
import { type ErrorCode, FerryError } from "../core/errors.ts";
import type { FileEntry, Tree } from "../core/entry.ts";
import { parentPath } from "../core/paths.ts";
import type { DeltaSource, DeltaTarget } from "../store/delta/ends.ts";
import type { Store, WriteSession } from "../store/store.ts";
import { peekHeader } from "../wire/chunks.ts";
import type { Outcome } from "../wire/outcome.ts";
import { type Copied, GROWTH_BYTES, type LargeFile } from "./large_file.ts";
import { similarName } from "./similar.ts";

/** Files from which on a difference is looked for. */
export const DELTA_BYTES = 256 * 1024;

/** New files that turned out to resemble nothing; then no more of them are tried. */
const MAX_WRONG_GUESSES = 3;

/** What a new version may be made from. */
export interface Bases {
  paths: string[];
  /** Whether these are other files, which may have nothing in common with the new one. */
  guess: boolean;
}

/** Between what it is copied. */
export interface DeltaEnds {
  source: Store;
  session: WriteSession;
  /** One of them is a server: between folders there is nothing to be saved. */
  remote: boolean;
  signal?: AbortSignal;
}

/** What the whole file would not get around either. */
const FATAL: ReadonlySet<ErrorCode> = new Set(["disk_full", "write_failed"]);

/** Copies large files as deltas, between one source and one session. */
export class Deltas {
  readonly #source: DeltaSource;
  readonly #target: DeltaTarget;
  readonly #session: WriteSession;
  readonly #signal: AbortSignal | undefined;
  #wrongGuesses = 0;
  #unknown = false;

  private constructor(source: DeltaSource, target: DeltaTarget, { session, signal }: DeltaEnds) {
    this.#source = source;
    this.#target = target;
    this.#session = session;
    this.#signal = signal;
  }

  /** Deltas between two sides; null where they make no sense or are not possible. */
  static between(ends: DeltaEnds): Deltas | null {
    const source = ends.source.deltas?.(), target = ends.session.delta;
    return !ends.remote || source === undefined || target === undefined
      ? null
      : new Deltas(source, target, ends);
  }

  /**
   * Stages `file` from what is there and what the source sends. Null when the whole file has to come: the sides have
   * too little in common, one of them cannot do it, or the result was not right.
   */
  async stage(file: LargeFile, bases: Bases): Promise<Copied | null> {
    if (this.#unknown || (bases.guess && this.#wrongGuesses >= MAX_WRONG_GUESSES)) return null;
    const { path, entry: { size, mtime } } = file;
    let furthest = -1;
    for (let attempt = 1;; attempt++) {
      try {
        return await this.#attempt(file, bases);
      } catch (error) {
        this.#signal?.throwIfAborted();
        if (!(error instanceof FerryError) || FATAL.has(error.code)) throw error;
        if (error.code === "not_found") this.#unknown = true;
        // Whatever else went wrong: the whole file says so too, or comes. A connection that breaks may come back.
        if (error instanceof StatusError || !mayPass(error)) return null;
        const there = await this.#session.resumable({ path, size, mtime });
        if (there > furthest) attempt = 1;
        else if (attempt > TRIES) return null;
        furthest = Math.max(furthest, there);
        await waitAfter(error, attempt, this.#signal);
      }
    }
  }

  async #attempt({ path, entry, stage }: LargeFile, bases: Bases): Promise<Copied | null> {
    const signal = this.#signal;
    const { header: { meta }, body: chunks } = await peekHeader(await this.#source.chunks(path));
    if (meta.size > 2 * entry.size + GROWTH_BYTES) {
      await chunks.cancel();
      return null;
    }
    const { paths, guess } = bases;
    const request = await this.#target.match(stage, { path, chunks, bases: paths, guess, signal });
    if (request === null) {
      if (guess) this.#wrongGuesses++;
      return null;
    }
    const answer = await this.#source.delta(path, request);
    const outcome: Outcome = await this.#target.assemble(stage, { answer, signal });
    return outcome === null ? { kind: "copied", meta } : null;
  }
}

/** Finds in the destination's tree what new files may be made from. */
export class BaseFinder {
  /** Files that are large enough, by folder; made when it is first asked for. */
  #folders: Map<string, [string, FileEntry][]> | null = null;
  readonly #tree: Tree;

  constructor(destination: Tree) {
    this.#tree = destination;
  }

  /** The old version of `path`, else files beside it that may resemble it. Null for nothing. */
  find(path: string, size: number): Bases | null {
    if (size < DELTA_BYTES) return null;
    const old = this.#tree.get(path);
    if (old?.kind === "file") return old.size >= DELTA_BYTES / 4 ? { paths: [path], guess: false } : null;
    if (old !== undefined) return null;
    const beside = this.#beside(parentPath(path))
      .filter(([, entry]) => entry.size >= size / 4 && entry.size <= size * 4);
    const found = similarName(nameOf(path), beside.map(([other]) => nameOf(other)));
    return found === -1 ? null : { paths: [beside[found][0]], guess: true };
  }

  #beside(folder: string): [string, FileEntry][] {
    if (this.#folders === null) {
      this.#folders = new Map();
      for (const [path, entry] of this.#tree) {
        if (entry.kind !== "file" || entry.size < DELTA_BYTES) continue;
        const parent = parentPath(path);
        const list = this.#folders.get(parent);
        if (list) list.push([path, entry]);
        else this.#folders.set(parent, [[path, entry]]);
      }
    }
    return this.#folders.get(folder) ?? [];
  }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
