/**
 * Brings contents from the source into the destination's stage. Small files may come ahead of the plan: while a large
 * tree is still being listed for an empty destination, what has been listed is fetched already. Nothing of it shows
 * under its name before the plan is made and its operation done.
 */
import type { Pace } from "../client/pace.ts";
import type { FileEntry } from "../core/entry.ts";
import { turn } from "../core/turn.ts";
import type { SmallFiles, Store, WriteSession } from "../store/store.ts";
import { PACK_BYTES, PACK_FILES, SMALL_FILE_BYTES } from "../wire/limits.ts";
import type { Outcome } from "../wire/outcome.ts";
import type { Content } from "../wire/stream.ts";
import type { FileFrame, ProblemFrame } from "../wire/pack.ts";
import type { StagedFile } from "./batches.ts";
import { type Copied, copyLarge, type LargeFile } from "./large_file.ts";
import { type Bases, DELTA_BYTES, type Deltas } from "./delta.ts";
import type { Tally } from "./tally.ts";

/** A file in the stage and its size, or why it is not there. */
export type Staging = { staged: StagedFile; bytes: number } | { problem: NonNullable<Outcome> };

export interface StagerOptions {
  /** Ends also the copy of a file that takes long. */
  signal?: AbortSignal;
  /** What contents are held to. */
  pace?: Pace;
  /** How new versions of large files come; whole when there is none. */
  deltas?: Deltas | null;
  /** Counts along. */
  tally?: Tally;
  /** The content of a file that is at the destination already, though not in its place. */
  leftOver?: (path: string, entry: FileEntry) => Uint8Array | null;
}

/** Stages the contents of one run. */
export class Stager {
  readonly #source: Store;
  readonly #session: WriteSession;
  readonly #options: StagerOptions;
  #next = 0;

  constructor(source: Store, session: WriteSession, options: StagerOptions = {}) {
    this.#source = source;
    this.#session = session;
    this.#options = options;
  }

  /** A number for a file that is staged in another way. */
  nextNumber(): number {
    return this.#next++;
  }

  /** Stages small files, which were listed as `entries`; one answer each, in order. */
  async small(paths: readonly string[], entries: readonly FileEntry[]): Promise<Staging[]> {
    if (this.#session.reuse === undefined) return await this.#sent(paths, entries);
    const first = this.#next;
    this.#next += paths.length;
    const there = await this.#session.reuse(
      paths.map((path, at) => ({ path, stage: first + at, ...entries[at] })),
    );
    const missing = paths.flatMap((_, at) => there[at] ? [] : [at]);
    if (missing.length === paths.length) return await this.#sent(paths, entries);
    const sent = await this.#sent(missing.map((at) => paths[at]), missing.map((at) => entries[at]));
    let next = 0;
    return entries.map(({ mode, mtime, size }, at): Staging =>
      there[at] ? { staged: { stage: first + at, mode, mtime }, bytes: size } : sent[next++]
    );
  }

  /** Stages the contents, from the source or what this machine has of them. */
  async #sent(paths: readonly string[], entries: readonly FileEntry[]): Promise<Staging[]> {
    const first = this.#next;
    this.#next += paths.length;
    using files: SmallFiles = await this.#read(paths, entries);
    const good: FileFrame[] = [];
    const answers = files.frames.map((frame): Staging => {
      if (frame.kind === "problem") return { problem: { code: frame.code, message: frame.message } };
      const stage = first + frame.index;
      good.push({ ...frame, index: stage });
      return { staged: { stage, mode: frame.mode, mtime: frame.mtime }, bytes: frame.content.length };
    });
    if (good.length === 0) return answers;
    const { pace, signal, tally } = this.#options;
    const bytes = good.reduce((sum, { content }) => sum + content.length, 0);
    await pace?.take(bytes, signal);
    // Awaited here: the memory of the contents is given back at the end of this block.
    const outcomes = await this.#session.stage(good, good.map(({ index }) => paths[index - first]));
    tally?.arrived(bytes);
    good.forEach(({ index }, at) => {
      const problem = outcomes[at];
      if (problem !== null) answers[index - first] = { problem };
    });
    return answers;
  }

  /** The contents, from what a killed run has left at the destination or from the source. */
  async #read(paths: readonly string[], entries: readonly FileEntry[]): Promise<SmallFiles> {
    const { leftOver } = this.#options;
    const left = paths.map((path, index) => leftOver?.(path, entries[index]) ?? null);
    const missing = paths.flatMap((_, index) => left[index] === null ? [index] : []);
    if (missing.length === paths.length) return await this.#source.read(paths);
    const rest = missing.length === 0 ? null : await this.#source.read(missing.map((index) => paths[index]));
    let next = 0;
    const frames = left.map((content, index): FileFrame | ProblemFrame => {
      if (content === null) return { ...rest!.frames[next++], index };
      const { mtime, mode } = entries[index];
      return { kind: "file", index, mtime, mode, content };
    });
    return { frames, [Symbol.dispose]: () => rest?.[Symbol.dispose]() };
  }

  /** New versions of files from so many bytes on are worth a delta. */
  get deltasFrom(): number {
    return this.#options.deltas ? DELTA_BYTES : Infinity;
  }

  /** Stages one file of any size, which was listed as `entry`; `bases` is what it may be made from. */
  async large(path: string, entry: FileEntry, bases: Bases | null = null): Promise<Staging> {
    const file = { path, entry, stage: this.#next++ };
    const copied = await this.#delta(file, bases) ?? await copyLarge(file, {
      source: this.#source,
      session: this.#session,
      signal: this.#options.signal,
      watch: (content) => interruptible(content, this.#options),
    });
    if (copied.kind === "problem") return { problem: { code: copied.code, message: copied.message } };
    const { size, mode, mtime } = copied.meta;
    return { staged: { stage: file.stage, mode, mtime }, bytes: size };
  }

  /** Brings a file over as the difference to `bases`; null when it has to come whole. */
  async #delta(file: LargeFile, bases: Bases | null): Promise<Copied | null> {
    if (bases === null) return null;
    const copied = await this.#options.deltas?.stage(file, bases) ?? null;
    if (copied?.kind === "copied") this.#options.tally?.arrived(copied.meta.size);
    return copied;
  }
}

/** What passes between two turns. */
const TURN_BYTES = 32 * 1024 * 1024;

/** `content` with a turn of the event loop now and then, which fails once `signal` is aborted. */
function interruptible(content: Content, { signal, pace, tally }: StagerOptions): Content {
  let passed = 0;
  return {
    kind: "content",
    meta: content.meta,
    next: async () => {
      if (passed >= TURN_BYTES) {
        passed = 0;
        // Between two local folders nothing ever waits.
        await turn(signal);
      }
      const chunk = await content.next();
      passed += chunk?.length ?? 0;
      tally?.arrived(chunk?.length ?? 0);
      await pace?.take(chunk?.length ?? 0, signal);
      return chunk;
    },
    outcome: () => content.outcome(),
    rest: content.rest,
    [Symbol.dispose]: () => content[Symbol.dispose](),
  };
}

/** Files that are fetched together. */
interface Pack {
  paths: string[];
  entries: FileEntry[];
}

/** Fetches listed files ahead of the plan, as long as it is wanted. */
export class ReadAhead {
  /** What has been fetched, by path. */
  readonly done = new Map<string, Staging>();
  readonly #packs: Pack[] = [];
  #bytes = Infinity;
  #begin: (() => Promise<Stager>) | null = null;
  #underWay = 0;
  readonly #fetches: Promise<void>[] = [];

  /** At most `parallel` packs are fetched at a time. */
  constructor(readonly parallel: number) {}

  /** Takes note of a listed file. */
  offer(path: string, entry: FileEntry): void {
    if (entry.size > SMALL_FILE_BYTES) return;
    const last = this.#packs.at(-1);
    if (last === undefined || last.paths.length >= PACK_FILES || this.#bytes + entry.size > PACK_BYTES) {
      this.#packs.push({ paths: [path], entries: [entry] });
      this.#bytes = entry.size;
      this.#fill();
    } else {
      last.paths.push(path);
      last.entries.push(entry);
      this.#bytes += entry.size;
    }
  }

  /**
   * Begins to fetch; before, files are only noted. `begin` opens the destination, when there is something to fetch.
   */
  start(begin: () => Promise<Stager>): void {
    this.#begin = begin;
    this.#fill();
  }

  /** Stops fetching and waits for what is under way. Throws what went wrong with the whole run. */
  async stop(): Promise<void> {
    this.#begin = null;
    await Promise.allSettled(this.#fetches);
    await Promise.all(this.#fetches);
  }

  #fill(): void {
    // The last pack is still being filled.
    while (this.#begin !== null && this.#underWay < this.parallel && this.#packs.length > 1) {
      const fetch = this.#fetch(this.#begin(), this.#packs.shift()!);
      fetch.catch(() => {});
      this.#fetches.push(fetch);
    }
  }

  async #fetch(stager: Promise<Stager>, { paths, entries }: Pack): Promise<void> {
    this.#underWay++;
    const answers = await (await stager).small(paths, entries);
    answers.forEach((answer, index) => this.done.set(paths[index], answer));
    this.#underWay--;
    this.#fill();
  }
}
