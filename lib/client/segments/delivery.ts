/** All of a resource in segments, from the first answer on, until it is in its place and right. */
import type { TransferTools } from "../transfer/transfer_plan.ts";
import { digestLater } from "../transfer/transfer_requests.ts";
import {
  checksumClaim,
  type Claim,
  claimsOf,
  mismatchError,
  Verification,
} from "../transfer/verification.ts";
import { Fleet, type FleetOptions } from "./fleet.ts";
import { Judgement } from "./judgement.ts";
import { agrees, askDigest } from "./mirrors.ts";
import type { Start } from "./opening.ts";
import { LEAST_SEGMENT, LEAST_SHARE, pieceOf, SegmentPlan } from "./plan.ts";
import { PrefixReader } from "./prefix_reader.ts";
import type { SegmentFile } from "./segment_file.ts";
import { MOST_INTO_PIPE, SegmentPipe, windowFor } from "./segment_pipe.ts";
import type { SegmentedPlan } from "./segmented_transfer.ts";
import type { Source } from "./source.ts";
import { countOf, type Span } from "./spans.ts";

export interface DeliveryOptions {
  plan: SegmentedPlan;
  tools: TransferTools;
  /** All servers, the first one first. */
  sources: readonly Source[];
  /** Where it goes; null for a pipe. */
  file: SegmentFile | null;
  fleet: FleetOptions;
}

/** One try to bring all of it. */
export class Delivery {
  /** Bytes that were fetched anew because they were damaged, once they were. */
  repaired: number | undefined;
  /** Whether the bytes that are there may be gone on from. */
  #trusted = true;
  readonly #connections: number;
  /** What the first answer says of the whole, and whether its server can say more later on. */
  readonly #known: Claim[];
  readonly #later: boolean;
  readonly #verification: Verification;
  readonly #pipe: SegmentPipe | null;
  readonly #plan: SegmentPlan;
  readonly #fleet: Fleet;
  /** Takes what is in the file for its digests. */
  #reader: PrefixReader | null = null;

  constructor(readonly start: Start, readonly options: DeliveryOptions) {
    const { plan: { segments, sha256 }, tools, file, fleet } = options;
    const { seen: { size }, have, opened: { answer: { response } } } = start;
    this.#known = claimsOf(response, { method: "GET", resumed: true });
    this.#later = this.#known.length === 0 && digestLater(response) === "head";
    const most = file === null ? MOST_INTO_PIPE : Infinity;
    this.#connections = Math.min(Math.max(segments, this.#sources.length), most);
    const demands = sha256 === undefined ? [] : [checksumClaim(sha256)];
    this.#verification = new Verification(tools.digest, demands);
    const window = windowFor(this.#connections);
    this.#pipe = file !== null ? null : new SegmentPipe(tools.sink, {
      window,
      sent: (bytes) => this.#verification.update(bytes),
      moved: () => this.#fleet.wake(),
      failed: (error) => this.#fleet.fail(error),
    });
    const piece = pieceOf(size - countOf(have), this.#connections, {
      window: file === null ? window : null,
      ordered: this.#known.length > 0 || this.#later || demands.length > 0 || tools.digest !== undefined,
    });
    this.#plan = new SegmentPlan(size, { have, piece, least: LEAST_SHARE });
    this.#fleet = new Fleet(this.#plan, file ?? this.#pipe!, {
      ...fleet,
      onBytes: (count) => {
        fleet.onBytes?.(count);
        file?.note(() => this.#plan.have());
        this.#reader?.wake();
      },
    });
  }

  get size(): number {
    return this.start.seen.size;
  }

  /** What is there, and can be gone on from. */
  get have(): readonly Span[] {
    return this.#trusted ? this.#plan.have() : [];
  }

  /** Whether bytes have gone out that cannot be taken back. */
  get isOut(): boolean {
    return this.#pipe?.started === true;
  }

  /** Those that are still asked, the one of the first answer first. */
  get #sources(): Source[] {
    const { source } = this.start;
    return [source, ...this.options.sources.filter((one) => one !== source && one.dropped === undefined)];
  }

  /** Brings it all. Throws Changed, NoRanges, Damaged, `checksum_mismatch`, and what ends a transfer. */
  async run(): Promise<void> {
    const { tools, file, fleet: { signal } } = this.options;
    const { source, seen, opened, have } = this.start;
    const { response, hop } = opened.answer;
    const ended = new AbortController();
    const inTime = AbortSignal.any([signal, ended.signal]);
    let reading: Promise<void> | undefined;
    try {
      try {
        tools.sink.answered?.({ headers: response.headers, url: hop.url });
        file?.begin(seen, { url: source.url, have });
      } catch (error) {
        await response.body?.cancel();
        throw error;
      }
      const claims = this.#later ? askDigest(source, seen, inTime) : Promise.resolve(this.#known);
      const begin = () => this.#verification.begin(this.#known, { size: seen.size, later: this.#later });
      // What goes into a pipe is looked at while it passes; from a file it can be read a moment later.
      if (file === null) await begin();
      this.#fleet.add(source, opened);
      this.#crew(claims, inTime);
      reading = file === null ? undefined : begin().then(() => this.#read(file, inTime));
      reading?.catch((error) => this.#fleet.fail(error));
      await this.#fleet.run();
      await this.#pipe?.drain(signal);
      this.#reader?.hurry();
      await reading;
      if (this.#later) this.#verification.claim(await claims);
      signal.throwIfAborted();
      await this.#judge(file);
    } finally {
      ended.abort();
      await reading?.catch(() => {});
    }
    for (const { algorithm, by } of this.#verification.watched) {
      tools.trace?.(`* the ${algorithm} of the body is the one of ${by}`);
    }
    tools.sink.finish();
  }

  /** Adds the connections beside the first one, those to mirrors as soon as they have agreed. */
  #crew(claims: Promise<Claim[]>, signal: AbortSignal): void {
    const { options: { plan: { sha256 }, tools, file }, start: { source, seen, have } } = this;
    const worth = Math.ceil((seen.size - countOf(have)) / LEAST_SEGMENT);
    const total = Math.min(this.#connections, worth);
    const sources = this.#sources;
    for (const [index, one] of sources.entries()) {
      const share = Math.floor((total - index + sources.length - 1) / sources.length);
      if (one === source) {
        for (let count = 1; count < share; count++) this.#fleet.add(source);
        continue;
      }
      agrees(one, {
        seen,
        claims,
        sha256,
        mendable: file !== null,
        signal,
        onNotice: (text) => tools.onNotice?.(text),
      }).then(async (agreed) => {
        // Nobody but the user says what is right.
        if (agreed && sha256 !== undefined && (await claims).length === 0) file?.sink.needChecksum(sha256);
        for (let count = 0; count < share; count++) this.#fleet.add(agreed ? one : source);
      }, (error) => this.#fleet.fail(error));
    }
  }

  /** Takes the bytes for their digests while they come. */
  async #read(file: SegmentFile, signal: AbortSignal): Promise<void> {
    if (!this.#verification.isNeeded) return;
    this.#reader = new PrefixReader({
      size: this.size,
      there: () => this.#plan.beginning,
      read: (buffer, offset) => file.sink.readAt(buffer, offset),
      take: (bytes) => this.#verification.update(bytes),
    });
    if (this.#plan.done) this.#reader.hurry();
    await this.#reader.run(signal);
  }

  /** Throws Damaged and `checksum_mismatch` when the bytes are not the right ones; those of a file may be mended. */
  async #judge(file: SegmentFile | null): Promise<void> {
    const { plan, tools, sources, fleet } = this.options;
    const wrong = await this.#verification.contradiction();
    if (wrong === null) return;
    if (file === null) throw mismatchError(plan.url, wrong);
    const judgement = new Judgement(file, this.start, {
      plan,
      tools,
      sources,
      verification: this.#verification,
      fleet,
      distrust: () => this.#trusted = false,
    });
    try {
      await judgement.mend(wrong);
    } finally {
      this.repaired = judgement.repaired;
    }
  }
}
