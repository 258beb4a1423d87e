/** What becomes of a file that came in segments and is not what it should be: it is mended, if that can be done. */
import { FerryError } from "../../core/errors.ts";
import { mayRetry } from "../retry.ts";
import type { TransferTools } from "../transfer/transfer_plan.ts";
import { TransferRequests } from "../transfer/transfer_requests.ts";
import { tryAgain } from "../try_again.ts";
import { type Contradiction, mismatchError, type Verification } from "../transfer/verification.ts";
import { CheckingStore } from "./checking_store.ts";
import { Fleet, type FleetOptions } from "./fleet.ts";
import type { Start } from "./opening.ts";
import { LEAST_SEGMENT, LEAST_SHARE, SegmentPlan } from "./plan.ts";
import type { SegmentFile } from "./segment_file.ts";
import type { SegmentedPlan } from "./segmented_transfer.ts";
import type { Source } from "./source.ts";
import { addSpan, countOf, gaps, type Span } from "./spans.ts";

/** The bytes that an earlier run left are not the right ones. */
export class Damaged extends FerryError {}

export interface JudgeTools {
  plan: SegmentedPlan;
  tools: TransferTools;
  /** All servers. */
  sources: readonly Source[];
  verification: Verification;
  fleet: FleetOptions;
  /** Whatever happens from now on, the bytes that are there are not to be trusted. */
  distrust(): void;
}

/** A file that is there and is not right. */
export class Judgement {
  /** Bytes that were fetched anew because they were damaged, once they were. */
  repaired: number | undefined;

  constructor(readonly file: SegmentFile, readonly start: Start, readonly options: JudgeTools) {}

  /** Until what is there is right. Throws `checksum_mismatch`, and Damaged. */
  async mend(contradiction: Contradiction): Promise<void> {
    const { verification, plan, fleet } = this.options;
    let wrong: Contradiction | null = contradiction;
    if (wrong.by === "Repr-Digest" && await this.#repair()) wrong = await verification.contradiction();
    if (wrong === null) return;
    this.options.distrust();
    if (await this.#replaceOthers()) {
      await verification.again((take) => this.file.sink.readBack(take, fleet.signal));
      wrong = await verification.contradiction();
    }
    if (wrong === null) return;
    const { message } = mismatchError(plan.url, wrong);
    // Bytes of which the server says that they are right are no bytes of an earlier run that were damaged since.
    const blameless = wrong.by === "--checksum" && verification.isClaimed;
    if (this.start.have.length > 0 && !blameless) throw new Damaged("checksum_mismatch", message);
    throw new FerryError("checksum_mismatch", message);
  }

  /** Fetches anew what differs from the server's list of chunks; false where there is none. */
  async #repair(): Promise<boolean> {
    const { plan, tools, verification, fleet } = this.options;
    const { source, seen, opened } = this.start;
    const { mend } = await import("../parts/mending.ts");
    const { size, validator } = seen;
    const { sink } = this.file;
    const store = new CheckingStore(this.file);
    const file = {
      path: sink.path,
      readAt: sink.readAt.bind(sink),
      readBack: sink.readBack.bind(sink),
      writeAt: (bytes: Uint8Array, at: number) => store.write(at, bytes),
    };
    const requests = new TransferRequests(plan, { ...tools, client: source.options.client }, {
      begun() {},
      sent() {},
      answered() {},
    });
    const position = { start: 0, have: size, end: size, size, validator };
    const mayTryAgain = (error: unknown) => mayRetry(error, { method: "GET", rereadable: true });
    let came = 0;
    await tryAgain(async (last) => {
      const repaired = await mend(file, { position, hop: opened.answer.hop }, {
        requests,
        verification,
        signal: fleet.signal,
        received: (count) => {
          came += count;
          fleet.onBytes?.(count);
        },
        mayPass: (error) => !last && mayTryAgain(error),
        notice: (text) => tools.onNotice?.(text),
      });
      if (repaired !== null) this.repaired = repaired;
    }, {
      retries: fleet.retries,
      signal: fleet.signal,
      deadline: fleet.deadline,
      progress: () => came,
      mayTryAgain,
      onRetry: (why) => fleet.onRetry?.(why),
    });
    this.#accuse(store, "");
    return this.repaired !== undefined;
  }

  /** Fetches anew from the first server what others brought; false when that was nothing, or all of it right. */
  async #replaceOthers(): Promise<boolean> {
    const { fleet: options, plan: { segments } } = this.options;
    const { source, seen } = this.start;
    const suspect = this.#others.flatMap(({ brought }) => brought).reduce<Span[]>(addSpan, []);
    if (suspect.length === 0) return false;
    const plan = new SegmentPlan(seen.size, {
      have: gaps(suspect, seen.size),
      piece: Math.max(LEAST_SEGMENT, Math.ceil(countOf(suspect) / segments)),
      least: LEAST_SHARE,
    });
    const store = new CheckingStore(this.file);
    const fleet = new Fleet(plan, store, options);
    for (let count = 0; count < segments; count++) fleet.add(source);
    await fleet.run();
    this.#accuse(store, `; what it brought was fetched anew from ${source.label}`);
    return store.wrong.length > 0;
  }

  get #others(): Source[] {
    return this.options.sources.filter((one) => one !== this.start.source);
  }

  /** Says who sent the bytes that `store` found to be wrong, and what was done `then`. */
  #accuse(store: CheckingStore, then: string): void {
    for (const one of this.#others) {
      const at = store.firstWrongOf(one.brought);
      if (at === null) continue;
      this.options.tools.onNotice?.(`${one.label} sent wrong bytes (the first is byte ${at})${then}`);
    }
  }
}
