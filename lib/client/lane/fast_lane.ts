/**
 * Many small files into a folder, by less work than a request of its own costs for each: requests wait on a few
 * connections (pipeline.ts), a Ferry server sends packs (packs.ts), and a thread writes (file_batch.ts). What is anything
 * else than a small file that can be fetched and written at once is done in the ordinary way.
 */
import type { FerryError } from "../../core/errors.ts";
import { parseHttpDate } from "../../http/date.ts";
import type { Dialer } from "../dial/dialer.ts";
import type { Job, JobIterator } from "../jobs/job.ts";
import type { RequestFields } from "../http1/request.ts";
import type { RequestClient } from "../request_client.ts";
import { BATCH_BYTES, BatchWriter, type Written } from "./batch_writer.ts";
import type { FileWriter } from "./file_batch.ts";
import { OriginLane } from "./origin_lane.ts";
import { findPacks, mayBeFerry } from "./packs.ts";
import type { Delivered, Wanted } from "./wanted.ts";

/** Files that are wanted at a time. */
const MOST_WANTED = 1024;

/** Files that are read into memory of their own take at most so much together; a longer one gets a request of its own. */
const LONG_TOGETHER = 16 * BATCH_BYTES;

/** Servers that it speaks to, each by connections of its own: a list of many hosts is a matter for the ordinary way. */
const MOST_ORIGINS = 4;

/** Ordinary jobs that wait to be taken. */
const MOST_ORDINARY = 64;

/** How often it is looked whether a server has fallen silent; one that has is left to the ordinary way. */
const CHECK_MS = 30_000;

/** For so long none came: then those are sent that were left to gather. */
const FLUSH_MS = 5;

/** How one of its jobs ended. */
export interface LaneEnd {
  status: number;
  bytes: number;
  ms: number;
  sha256?: string;
  error?: FerryError;
}

/** What the lane needs of the run. */
export interface LaneHost {
  dialer: Pick<Dialer, "dial">;
  parallel: number;
  signal: AbortSignal;
  /** Whether SHA-256 are wanted. */
  digests: boolean;
  /** Makes what writes files. */
  fileWriter: () => Promise<FileWriter>;
  /** What is to be fetched for `job` and where to, if that is a matter for the lane; it then holds the path. */
  wanted(job: Job): { url: URL; user: string | undefined; path: string } | null;
  client(url: URL, user: string | undefined): RequestClient;
  /** The headers of a request. */
  headers(job: Job | null): Headers;
  ended(wanted: Wanted, end: LaneEnd): void;
  /** It is done in the ordinary way after all, and its path is free again. */
  letGo(wanted: Pick<Wanted, "path">): void;
}

export class FastLane {
  readonly #host: LaneHost;
  readonly #mostBytes: number;
  readonly #writer: BatchWriter;
  /** Each with the fields of a request that has none of its own. */
  readonly #origins = new Map<string, { lane: OriginLane; fields: Wanted["fields"] }>();
  readonly #ordinary: Job[] = [];
  /** Those that are neither done nor let go. */
  #under = 0;
  /** How many were taken and ended in all, now and when it was looked last. */
  #moved = 0;
  #movedBefore = 0;
  #isOver = false;
  #failure: { error: unknown } | undefined;
  /** Wakes whoever waits for a change. */
  #changed = Promise.withResolvers<void>();

  constructor(host: LaneHost) {
    this.#host = host;
    this.#mostBytes = Math.min(BATCH_BYTES, Math.floor(LONG_TOGETHER / host.parallel));
    this.#writer = new BatchWriter(host.fileWriter, {
      digests: host.digests,
      onWritten: (wanted, written) => this.#written(wanted, written),
      onFailure: (error) => this.#fail(error),
    });
  }

  /** Takes of `jobs` what is for the lane, and gives the others, and those that it could not do. */
  async *take(jobs: JobIterator): AsyncGenerator<Job> {
    const { signal } = this.#host;
    const check = setInterval(() => {
      for (const { lane } of this.#origins.values()) lane.check();
    }, CHECK_MS);
    const flush = setInterval(() => this.#flushIfStill(), FLUSH_MS);
    const stop = () => this.#fail(signal.reason);
    signal.addEventListener("abort", stop);
    this.#feed(jobs).catch((error) => this.#fail(error));
    try {
      for (;;) {
        if (this.#failure) throw this.#failure.error;
        if (this.#ordinary.length > 0) {
          const job = this.#ordinary.shift()!;
          this.#change();
          yield job;
        } else if (this.#isOver && this.#under === 0) return;
        else await this.#changed.promise;
      }
    } finally {
      clearInterval(check);
      clearInterval(flush);
      signal.removeEventListener("abort", stop);
      for (const { lane } of this.#origins.values()) lane.close();
      await this.#writer.close();
    }
  }

  async #feed(iterator: JobIterator): Promise<void> {
    for (;;) {
      const asked = iterator.next();
      const step = asked instanceof Promise ? await asked : asked;
      if (step.done) break;
      this.#one(step.value);
      while (!this.#failure && (this.#under >= MOST_WANTED || this.#ordinary.length >= MOST_ORDINARY)) {
        await this.#changed.promise;
      }
      if (this.#failure) return void iterator.return?.();
    }
    this.#isOver = true;
    this.#flush();
    this.#change();
  }

  /** Nobody knows when the next one comes or ends: what has been left to gather is sent. */
  #flushIfStill(): void {
    if (this.#moved === this.#movedBefore) this.#flush();
    this.#movedBefore = this.#moved;
  }

  #flush(): void {
    this.#writer.nudge();
    for (const { lane } of this.#origins.values()) lane.flush();
  }

  #one(job: Job): void {
    const found = this.#host.wanted(job);
    if (found === null) return this.#push(job);
    const { url, user, path } = found;
    const key = `${url.protocol}//${url.host} ${user ?? ""}`;
    const isFull = this.#origins.size >= MOST_ORIGINS;
    const origin = this.#origins.get(key) ?? (isFull ? null : this.#newOrigin(url, user, key));
    if (origin === null) {
      this.#host.letGo(found);
      return this.#push(job);
    }
    const { lane, fields } = origin;
    const wanted: Wanted = {
      mtime: job.mtime === "server" ? undefined : job.mtime,
      job,
      url,
      path,
      fields: job.headers === undefined ? fields : withCondition(fields, job.headers) ??
        this.#host.client(url, user).fieldsFor(url, this.#host.headers(job)),
      begun: performance.now(),
    };
    this.#under++;
    this.#moved++;
    lane.add(wanted);
  }

  #newOrigin(url: URL, user: string | undefined, key: string) {
    const { dialer, parallel, signal } = this.#host;
    const client = this.#host.client(url, user);
    const headers = this.#host.headers(null);
    const tools = { client, origin: new URL("/", url), headers, writer: this.#writer, signal };
    const lane = new OriginLane({
      dialer,
      parallel,
      signal,
      mostBytes: this.#mostBytes,
      memory: () => this.#writer.memory(),
      delivered: (wanted, answer) => this.#delivered(wanted, answer),
      odd: (wanted) => this.#letGo(wanted),
      pause: () => {
        this.#writer.nudge();
        return this.#writer.room();
      },
      packs: (head) => {
        if (!mayBeFerry(head)) return null;
        const packs = findPacks(tools);
        // While the server answers.
        if (head.status === 200) this.#writer.open();
        return packs;
      },
    });
    const origin = { lane, fields: client.fieldsFor(url, headers) };
    this.#origins.set(key, origin);
    return origin;
  }

  #delivered(wanted: Wanted, answer: Delivered): void {
    const { status, body, given } = answer;
    if (status === 304) return this.#end(wanted, { status, bytes: 0 });
    const { job } = wanted;
    if (job.mtime === "server" || job.onStored) {
      const lastModified = parseHttpDate(answer.field("last-modified") ?? "") ?? undefined;
      if (job.mtime === "server") wanted.mtime = lastModified;
      if (job.onStored) {
        wanted.said = { lastModified, etag: lastModified === undefined ? answer.field("etag") : null };
      }
    }
    if (given) this.#writer.addGiven(wanted, body);
    else this.#writer.add(wanted, body);
  }

  #written(wanted: Wanted, written: Written): void {
    switch (written.kind) {
      case "written":
        return this.#end(wanted, { status: 200, bytes: written.bytes, sha256: written.sha256 });
      case "failed":
        return this.#end(wanted, { status: 200, bytes: 0, error: written.error as FerryError });
      case "odd":
        return this.#letGo(wanted);
    }
  }

  #end(wanted: Wanted, end: Omit<LaneEnd, "ms">): void {
    this.#host.ended(wanted, { ...end, ms: Math.round(performance.now() - wanted.begun) });
    this.#less();
  }

  #letGo(wanted: Wanted): void {
    this.#host.letGo(wanted);
    this.#push(wanted.job);
    this.#less();
  }

  #push(job: Job): void {
    this.#ordinary.push(job);
    this.#change();
  }

  #less(): void {
    this.#under--;
    this.#moved++;
    if (this.#under === 0 || this.#under === MOST_WANTED / 2) this.#change();
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#change();
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}

/** What makes a request one for a file only if that has changed. */
const CONDITIONS: readonly string[] = ["if-modified-since", "if-none-match"];

/** `fields` with the one of `headers`, where that is a condition and no other one is there: what mirrors add. */
function withCondition(fields: RequestFields, headers: Headers): RequestFields | null {
  const [first, ...more] = headers;
  if (first === undefined || more.length > 0 || !CONDITIONS.includes(first[0])) return null;
  if (/^if-/im.test(fields.lines)) return null;
  return { ...fields, conditional: true, lines: `${fields.lines}${first[0]}: ${first[1]}\r\n` };
}
