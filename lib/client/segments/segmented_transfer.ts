/** One URL fetched in segments, by several connections and from several servers, as whole and right as in one stream. */
import { FerryError, quote } from "../../core/errors.ts";
import { forAnotherOrigin } from "../credentials.ts";
import { Deadline } from "../deadline.ts";
import { PartFile } from "../part_file.ts";
import type { RequestClient } from "../request_client.ts";
import { isRetryStatus, mayRetry } from "../retry.ts";
import { statOrNull } from "../sink.ts";
import { StatusError } from "../status_error.ts";
import { Transfer } from "../transfer.ts";
import type { TransferPlan, TransferTools } from "../transfer_plan.ts";
import { digestLater } from "../transfer_requests.ts";
import type { Amount } from "../transfers_meter.ts";
import { tryAgain } from "../try_again.ts";
import {
  checksumClaim,
  type Claim,
  claimsOf,
  type Contradiction,
  mismatchError,
  Verification,
} from "../verification.ts";
import { judgeMirror } from "./agreement.ts";
import { CheckingStore } from "./checking_store.ts";
import { Fleet, type Opened } from "./fleet.ts";
import { SegmentPlan } from "./plan.ts";
import { type Earlier, SegmentFile } from "./segment_file.ts";
import { SegmentPipe, WINDOW } from "./segment_pipe.ts";
import { Changed, NoRanges, type Seen, Source } from "./source.ts";
import { addSpan, countOf, gaps, type Span } from "./spans.ts";

/** A connection that would bring less is not worth its making. */
const LEAST_SEGMENT = 1 << 20;
/** The first answer brings so much, and tells how large the whole is. */
const FIRST_BYTES = 1 << 20;
/** A rest is shared between two connections as long as it is twice that. */
const LEAST_SHARE = 512 << 10;
/** How long to wait for a server that still computes its digest once every byte is there. */
const DIGEST_PATIENCE_MS = 60_000;

/** Another server of the same resource. */
export interface Mirror {
  url: URL;
  client: RequestClient;
}

export interface SegmentedPlan extends TransferPlan {
  /** Connections at a time. */
  segments: number;
  mirrors: readonly Mirror[];
}

/** What the first answer led to. */
interface Start {
  source: Source;
  seen: Seen;
  opened: Opened;
  have: readonly Span[];
}

/** One download in segments; in one stream where the server does not let it be more. */
export class SegmentedTransfer {
  /** The status of the last answer. */
  status: number | undefined;
  /** When the content was changed, as the first answer says; milliseconds since 1970. */
  lastModified: number | undefined;
  /** Bytes that this run received. */
  bytes = 0;
  retries = 0;
  resumed = false;
  readonly #sources: Source[];
  readonly #file: SegmentFile | null;
  #pipe: SegmentPipe | null = null;
  #have: () => readonly Span[] = () => [];
  #size: number | undefined;
  /** The one that does it after all. */
  #whole: Transfer | undefined;

  constructor(readonly plan: SegmentedPlan, readonly tools: TransferTools) {
    const { url, headers, maxRedirects, mirrors, ifNewer } = plan;
    const { sink, client, trace, facts } = tools;
    this.#file = sink instanceof PartFile ? new SegmentFile(sink) : null;
    this.#sources = [{ url, client }, ...mirrors].map((one, index) =>
      new Source({
        ...one,
        facts,
        isMirror: index > 0,
        headers: headersFor(one.url, { url, headers }),
        maxRedirects,
        trace,
        ifNewer,
      })
    );
  }

  /** How far it is. */
  get amount(): Amount {
    if (this.#whole !== undefined) return this.#whole.amount;
    return { done: countOf(this.#have()), size: this.#size, moved: this.bytes };
  }

  /** Does it all. Throws a FerryError, or the reason of `tools.stop`; then what is there has been left in order. */
  async run(): Promise<void> {
    const began = performance.now();
    using deadline = new Deadline(this.plan.timeout, this.plan.url);
    const signal = AbortSignal.any([this.tools.stop, deadline.signal]);
    try {
      if (!this.#isForOneStream() && await this.#rounds(signal, deadline)) return;
    } catch (error) {
      const spoilt = error instanceof Changed ||
        (error instanceof FerryError && error.code === "checksum_mismatch");
      const have = this.#have();
      const kept = this.#file?.abandon(have, !spoilt) ?? null;
      if (kept === null) throw error;
      const how = `${countOf(have)} bytes are kept in ${quote(kept)}, --continue goes on from there`;
      if (error instanceof FerryError) error.message += `; ${how}`;
      else this.tools.onNotice?.(how);
      throw error;
    }
    this.#file?.abandon([], false);
    const { timeout } = this.plan;
    const left = timeout === undefined ? undefined : Math.max(1, timeout - (performance.now() - began));
    await this.#oneStream(new Transfer({ ...this.plan, timeout: left }, this.tools));
  }

  /** What may be whole already is looked at first. */
  #isForOneStream(): boolean {
    const { sink } = this.tools;
    if (!this.plan.resume || this.#file === null || !(sink instanceof PartFile)) return false;
    if (this.#sources.some((source) => this.#file?.earlier(source.url))) return false;
    return statOrNull(sink.path, sink.path)?.isFile === true;
  }

  async #oneStream(transfer: Transfer): Promise<void> {
    this.#whole = transfer;
    try {
      await transfer.run();
    } finally {
      this.status = transfer.status;
      this.lastModified = transfer.lastModified;
      this.bytes += transfer.bytes;
      this.retries += transfer.retries;
      this.resumed = transfer.resumed;
    }
  }

  /** Whether it is done; false when one stream has to do it. A resource that changes is begun again once. */
  async #rounds(signal: AbortSignal, deadline: Deadline): Promise<boolean> {
    for (let round = 0;; round++) {
      try {
        const start = await this.#open(signal, deadline, round === 0);
        if (start === null) return false;
        await this.#fetch(start, signal, deadline);
        return true;
      } catch (error) {
        const again = (error instanceof Changed && round === 0) || error instanceof NoRanges;
        if (!again || this.#pipe?.started) throw error;
        const how = error instanceof Changed ? "starting over" : "fetching it in one stream";
        this.tools.onNotice?.(`${error.message}; ${how}`);
        this.#have = () => [];
        this.resumed = false;
        if (error instanceof NoRanges) return false;
      }
    }
  }

  /** The first answer; null when it must be one stream. */
  async #open(signal: AbortSignal, deadline: Deadline, mayResume: boolean): Promise<Start | null> {
    let start: Start | null = null;
    const opening = tryAgain(async () => void (start = await this.#openAny(signal, mayResume)), {
      retries: this.plan.retries,
      signal,
      deadline,
      progress: () => 0,
      mayTryAgain: (error) => mayRetry(error, { method: "GET", rereadable: true }),
      onRetry: (why) => this.#onRetry(why),
    });
    await Promise.all([opening, this.#file?.look()]);
    return start;
  }

  /** Asks the servers in turn until one answers with a range. */
  async #openAny(signal: AbortSignal, mayResume: boolean): Promise<Start | null> {
    const resume = mayResume && this.plan.resume;
    const whys: string[] = [];
    const errors = new Map<Source, unknown>();
    for (const source of this.#sources) {
      try {
        const start = await this.#openOne(source, signal, resume);
        if ("opened" in start) {
          for (const [failed, error] of errors) {
            failed.dropped = error;
            this.tools.onNotice?.(`${failed.label} is left out: ${(error as Error).message}`);
          }
          return start;
        }
        if (start.why !== null) whys.push(start.why);
      } catch (error) {
        if (signal.aborted || !(error instanceof FerryError)) throw error;
        errors.set(source, error);
      } finally {
        this.status = source.status;
      }
    }
    const [first] = this.#sources;
    const error = errors.get(first);
    // The one stream shows what the server says about it.
    const final = error instanceof StatusError && (!this.plan.fail || !isRetryStatus(error.status));
    if (error !== undefined && !final) throw error;
    if (whys.length > 0) {
      this.tools.onNotice?.(`${quote(this.plan.url.href)}: ${whys[0]}: fetching it in one stream`);
    }
    return null;
  }

  async #openOne(
    source: Source,
    signal: AbortSignal,
    resume: boolean,
  ): Promise<Start | { why: string | null }> {
    const earlier: Earlier | null = resume ? this.#file?.earlier(source.url) ?? null : null;
    if (earlier !== null) {
      const { size, have } = earlier;
      // The last byte once more when none is missing: its answer proves that all is as it was.
      const [gap = { start: size - 1, end: size }] = gaps(have, size);
      const opening = await source.open(firstOf(gap), earlier, signal);
      if (opening.kind === "ranges") {
        this.resumed = true;
        return { source, seen: opening.seen, opened: opening, have };
      }
      if (opening.kind === "changed") {
        this.tools.onNotice?.(`${quote(source.url.href)}: it was changed since the last run; starting over`);
      }
    }
    const opening = await source.open({ start: 0, end: FIRST_BYTES }, undefined, signal);
    if (opening.kind === "changed") return { why: null };
    if (opening.kind === "whole") return { why: opening.why };
    return { source, seen: opening.seen, opened: opening, have: [] };
  }

  /** All of it, once the first answer is there. */
  async #fetch(start: Start, signal: AbortSignal, deadline: Deadline): Promise<void> {
    const { source, seen, opened, have } = start;
    this.#size = seen.size;
    const ended = new AbortController();
    const inTime = AbortSignal.any([signal, ended.signal]);
    const known = claimsOf(opened.answer.response, { method: "GET", resumed: true });
    const later = known.length === 0 && digestLater(opened.answer.response) === "head";
    const claims = later ? this.#askDigest(source, seen, inTime) : Promise.resolve(known);
    const { sha256 } = this.plan;
    const verification = new Verification(
      this.tools.digest,
      sha256 === undefined ? [] : [checksumClaim(sha256)],
    );
    const total = this.#connections();
    // The memory that many connections take is taken from the window.
    const window = total > 16 ? WINDOW / 2 : WINDOW;
    const store = this.#file ?? (this.#pipe = new SegmentPipe(this.tools.sink, {
      window,
      sent: (bytes) => verification.update(bytes),
      moved: () => fleet.wake(),
      failed: (error) => fleet.fail(error),
    }));
    const piece = this.#file === null
      ? Math.max(FIRST_BYTES / 4, Math.min(4 << 20, Math.floor(window / (2 * total))))
      : Math.max(LEAST_SEGMENT, Math.ceil((seen.size - countOf(have)) / total));
    const plan = new SegmentPlan(seen.size, { have, piece, least: LEAST_SHARE });
    const fleet = new Fleet(plan, store, {
      ...this.#fleetOptions(signal, deadline),
      onBytes: (count) => {
        this.bytes += count;
        this.#file?.note(this.#have);
      },
    });
    const { response, hop } = opened.answer;
    this.lastModified = source.lastModified;
    try {
      this.tools.sink.answered?.({ headers: response.headers, url: hop.url });
      this.#file?.begin(seen, { url: source.url, have });
    } catch (error) {
      await response.body?.cancel();
      throw error;
    }
    this.#have = () => plan.have();
    // What goes into a pipe is looked at while it passes.
    if (this.#file === null) await verification.begin(known, { size: seen.size, later });
    fleet.add(source, opened);
    this.#crew(fleet, start, { total, claims, signal: inTime });
    try {
      await fleet.run();
      await this.#pipe?.drain();
      signal.throwIfAborted();
      if (this.#file === null) {
        if (later) verification.claim(await claims);
        signal.throwIfAborted();
        this.#judged(await verification.contradiction(), verification);
      } else await this.#finish(this.#file, start, { verification, claims: await claims, signal, deadline });
    } finally {
      ended.abort();
      this.status = source.status;
    }
  }

  /** Adds the connections beside the first one, those to mirrors as soon as they have agreed. */
  #crew(fleet: Fleet, { source, seen, have }: Start, options: CrewOptions): void {
    const worth = Math.ceil((seen.size - countOf(have)) / LEAST_SEGMENT);
    const total = Math.min(options.total, worth);
    const sources = [source, ...this.#sources.filter((one) => one !== source && one.dropped === undefined)];
    for (const [index, one] of sources.entries()) {
      const share = Math.floor((total - index + sources.length - 1) / sources.length);
      if (one === source) {
        for (let count = 1; count < share; count++) fleet.add(source);
        continue;
      }
      this.#agree(one, seen, options).then((agreed) => {
        for (let count = 0; count < share; count++) fleet.add(agreed ? one : source);
      }, (error) => fleet.fail(error));
    }
  }

  /** Whether `mirror` has the same resource; says so when not. Throws what is no FerryError. */
  async #agree(mirror: Source, seen: Seen, { claims, signal }: CrewOptions): Promise<boolean> {
    try {
      const said = await mirror.describe(signal);
      const demands = this.plan.sha256 === undefined ? [] : [checksumClaim(this.plan.sha256)];
      const verdict = judgeMirror({ size: seen.size, claims: [...demands, ...await claims] }, {
        ...said,
        verified: this.plan.sha256 !== undefined && this.#file !== null,
      });
      if (verdict.kind === "same") {
        mirror.seen = said.seen!;
        return true;
      }
      this.tools.onNotice?.(`${mirror.label} is left out: ${verdict.why}`);
    } catch (error) {
      if (signal.aborted) return false;
      if (!(error instanceof FerryError)) throw error;
      this.tools.onNotice?.(`${mirror.label} is left out: ${error.message}`);
    }
    return false;
  }

  /** What the server says of the whole once it has computed it; nothing when that takes too long. Never rejects. */
  async #askDigest(source: Source, seen: Seen, signal: AbortSignal): Promise<Claim[]> {
    try {
      const said = await source.describe(AbortSignal.any([signal, AbortSignal.timeout(DIGEST_PATIENCE_MS)]));
      const same = said.seen?.size === seen.size && said.seen.validator.value === seen.validator.value;
      return same ? said.claims : [];
    } catch {
      return [];
    }
  }

  /** Judges a file of which every byte is there, mends what mirrors have spoilt, and shows it. */
  async #finish(file: SegmentFile, start: Start, options: FinishOptions): Promise<void> {
    const { verification, claims, signal } = options;
    signal.throwIfAborted();
    await verification.begin(claims, { size: start.seen.size });
    const judge = async () => {
      if (!verification.isNeeded) return null;
      await verification.again((take) => file.sink.readBack(take, signal));
      return await verification.contradiction();
    };
    let wrong = await judge();
    if (wrong !== null && await this.#mend(file, start, options)) wrong = await judge();
    this.#judged(wrong, verification);
    file.sink.finish();
  }

  /** Fetches anew from the first server what others brought, and says who sent wrong bytes. False when nobody did. */
  async #mend(file: SegmentFile, { source, seen }: Start, options: FinishOptions): Promise<boolean> {
    const others = this.#sources.filter((one) => one !== source && one.brought.length > 0);
    if (others.length === 0) return false;
    const suspect = others.flatMap((one) => one.brought).reduce<Span[]>(addSpan, []);
    const store = new CheckingStore(file);
    const plan = new SegmentPlan(seen.size, {
      have: gaps(suspect, seen.size),
      piece: Math.max(LEAST_SEGMENT, Math.ceil(countOf(suspect) / this.plan.segments)),
      least: LEAST_SHARE,
    });
    const fleet = new Fleet(plan, store, {
      ...this.#fleetOptions(options.signal, options.deadline),
      onBytes: (count) => this.bytes += count,
    });
    // Whatever ends this, the bytes that are there are not to be trusted.
    this.#have = () => [];
    for (let count = 0; count < this.plan.segments; count++) fleet.add(source);
    await fleet.run();
    for (const one of others) {
      const at = store.firstWrongOf(one.brought);
      if (at === null) continue;
      this.tools.onNotice?.(
        `${one.label} sent wrong bytes (the first is byte ${at}); what it brought was fetched anew from ${source.label}`,
      );
    }
    return store.wrong.length > 0;
  }

  /** Throws `checksum_mismatch` for what is `wrong`. */
  #judged(wrong: Contradiction | null, verification: Verification): void {
    if (wrong !== null) throw mismatchError(this.plan.url, wrong);
    for (const { algorithm, by } of verification.watched) {
      this.tools.trace?.(`* the ${algorithm} of the body is the one of ${by}`);
    }
  }

  #fleetOptions(signal: AbortSignal, deadline: Deadline) {
    const { pace, onNotice } = this.tools;
    const onRetry = (why: string) => this.#onRetry(why);
    return { retries: this.plan.retries, signal, deadline, pace, onRetry, onNotice };
  }

  #connections(): number {
    return Math.max(this.plan.segments, this.#sources.filter((one) => one.dropped === undefined).length);
  }

  #onRetry(why: string): void {
    this.retries++;
    this.tools.onRetry?.(why);
  }
}

interface CrewOptions {
  total: number;
  claims: Promise<Claim[]>;
  signal: AbortSignal;
}

interface FinishOptions {
  verification: Verification;
  claims: Claim[];
  signal: AbortSignal;
  deadline: Deadline;
}

function firstOf({ start, end }: Span): Span {
  return { start, end: Math.min(end, start + FIRST_BYTES) };
}

/** The user's headers for a mirror: what belongs to the first server's origin stays there. */
function headersFor(url: URL, first: { url: URL; headers: Headers }): Headers {
  return url.origin === first.url.origin ? new Headers(first.headers) : forAnotherOrigin(first.headers);
}
