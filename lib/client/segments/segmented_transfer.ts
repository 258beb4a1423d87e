/** One URL fetched in segments, by several connections and from several servers, as whole and right as in one stream. */
import { FerryError } from "../../core/errors.ts";
import { Deadline } from "../deadline.ts";
import { PartFile } from "../parts/part_file.ts";
import type { RequestClient } from "../request_client.ts";
import { mayRetry } from "../retry.ts";
import { statOrNull } from "../sink.ts";
import { tellKept } from "../transfer/broken_off.ts";
import { Transfer } from "../transfer/transfer.ts";
import type { TransferPlan, TransferTools } from "../transfer/transfer_plan.ts";
import type { Amount } from "../transfers_meter.ts";
import { tryAgain } from "../try_again.ts";
import { Delivery } from "./delivery.ts";
import { Damaged } from "./judgement.ts";
import { headersFor } from "./mirrors.ts";
import { open, type Start } from "./opening.ts";
import { SegmentFile } from "./segment_file.ts";
import { Changed, NoRanges, Source } from "./source.ts";
import { countOf } from "./spans.ts";

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

/** How long a run may take. */
interface Limits {
  signal: AbortSignal;
  deadline: Deadline;
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
  /** Bytes that were fetched anew because they were damaged, once they were. */
  repaired: number | undefined;
  readonly #sources: Source[];
  readonly #file: SegmentFile | null;
  #delivery: Delivery | null = null;
  /** The one that does it after all. */
  #whole: Transfer | undefined;

  constructor(readonly plan: SegmentedPlan, readonly tools: TransferTools) {
    const { url, headers, maxRedirects, mirrors, ifNewer } = plan;
    const { sink, client, trace, facts } = tools;
    this.#file = sink instanceof PartFile ? new SegmentFile(sink, { sha256: plan.sha256 }) : null;
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
    return { done: countOf(this.#delivery?.have ?? []), size: this.#delivery?.size, moved: this.bytes };
  }

  /** Does it all. Throws a FerryError, or the reason of `tools.stop`; then what is there has been left in order. */
  async run(): Promise<void> {
    const began = performance.now();
    using deadline = new Deadline(this.plan.timeout, this.plan.url);
    const signal = AbortSignal.any([this.tools.stop, deadline.signal]);
    try {
      if (!this.#isForOneStream() && await this.#rounds({ signal, deadline })) return;
    } catch (error) {
      const spoilt = error instanceof Changed ||
        (error instanceof FerryError && error.code === "checksum_mismatch");
      const have = this.#delivery?.have ?? [];
      const kept = this.#file === null
        ? this.tools.sink.abandon({ start: 0, have: 0 }, false)
        : this.#file.abandon(have, !spoilt);
      if (kept !== null) tellKept(error, { bytes: countOf(have), kept }, this.tools.onNotice);
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
      this.repaired = transfer.repaired;
    }
  }

  /**
   * Whether it is done; false when one stream has to do it. A resource that changes is begun again once, and so is what
   * an earlier run left when it is damaged.
   */
  async #rounds(limits: Limits): Promise<boolean> {
    for (let round = 0;; round++) {
      try {
        const start = await this.#open(limits, this.plan.resume && round === 0);
        if (start === null) return false;
        await this.#deliver(start, limits);
        return true;
      } catch (error) {
        const afresh = error instanceof Changed || error instanceof Damaged;
        const again = (afresh && round === 0) || error instanceof NoRanges;
        if (!again || this.#delivery?.isOut) throw error;
        const how = afresh ? "starting over" : "fetching it in one stream";
        this.tools.onNotice?.(`${error.message}; ${how}`);
        this.#delivery = null;
        this.resumed = false;
        if (!afresh) return false;
        for (const source of this.#sources) source.brought = [];
      }
    }
  }

  /** The first answer; null when it must be one stream. */
  async #open({ signal, deadline }: Limits, resume: boolean): Promise<Start | null> {
    let start: Start | null = null;
    let asked: Source | undefined;
    const attempt = async () => {
      start = await open(this.#sources, {
        earlier: (url) => resume ? this.#file?.earlier(url) ?? null : null,
        fail: this.plan.fail,
        signal,
        onNotice: (text) => this.tools.onNotice?.(text),
        onAsking: (source) => asked = source,
      });
    };
    const opening = tryAgain(attempt, {
      retries: this.plan.retries,
      signal,
      deadline,
      progress: () => 0,
      mayTryAgain: (error) => mayRetry(error, { method: "GET", rereadable: true }),
      onRetry: (why) => this.#onRetry(why),
    });
    try {
      await Promise.all([opening, this.#file?.look()]);
    } finally {
      this.status = asked?.status;
    }
    return start;
  }

  /** All of it, once the first answer is there. */
  async #deliver(start: Start, { signal, deadline }: Limits): Promise<void> {
    const { plan, tools } = this;
    const delivery = this.#delivery = new Delivery(start, {
      plan,
      tools,
      sources: this.#sources,
      file: this.#file,
      fleet: {
        retries: plan.retries,
        signal,
        deadline,
        pace: tools.pace,
        onBytes: (count) => this.bytes += count,
        onRetry: (why) => this.#onRetry(why),
        onNotice: (text) => tools.onNotice?.(text),
      },
    });
    this.resumed = start.have.length > 0;
    this.lastModified = start.source.lastModified;
    try {
      await delivery.run();
    } finally {
      this.repaired = delivery.repaired;
      this.status = start.source.status;
    }
  }

  #onRetry(why: string): void {
    this.retries++;
    this.tools.onRetry?.(why);
  }
}
