/** One URL from request to the bytes in their place: tries, resumes, checks. */
import { FerryError, quote } from "../../core/errors.ts";
import { parseHttpDate } from "../../http/date.ts";
import { AnswerTeller, unasked } from "./answer_teller.ts";
import { bodySize, isRereadable } from "../body_source.ts";
import { Deadline } from "../deadline.ts";
import type { Answer } from "../exchange.ts";
import type { MendTools } from "../parts/mending.ts";
import { PartFile } from "../parts/part_file.ts";
import { isNoNewer } from "../if_newer.ts";
import { pump } from "../pump.ts";
import type { Hop } from "../redirect.ts";
import { canResume, isConditional, judgeResume, type Position } from "./resume.ts";
import { mayRetry } from "../retry.ts";
import { startPosition } from "./start_position.ts";
import { statusError } from "../status_answer.ts";
import { tellKept, tellLost } from "./broken_off.ts";
import { TransferCheck } from "./transfer_check.ts";
import type { TransferPlan, TransferTools } from "./transfer_plan.ts";
import { TransferRequests } from "./transfer_requests.ts";
import type { Amount } from "../transfers_meter.ts";
import { tryAgain } from "../try_again.ts";
import { mismatchError } from "./verification.ts";

/** One request with its retries, until its body has come or gone whole. */
export class Transfer {
  /** The status of the last answer. */
  status: number | undefined;
  /** When the content of the last answer was changed, as that says; milliseconds since 1970. */
  lastModified: number | undefined;
  /** Its ETag, as it stands there. */
  etag: string | null = null;
  /** Bytes of the body that this run received, or sent when it has a body to send. */
  bytes = 0;
  retries = 0;
  /** Whether nothing was fetched, since nothing has changed since the copy that a condition names. */
  unchanged = false;
  /** Whether bytes of an earlier run, or of an earlier try, were gone on from. */
  resumed = false;
  /** Bytes that were fetched anew because they were damaged, once they were. */
  repaired: number | undefined;
  #position: Position = { start: 0, have: 0 };
  readonly #teller: AnswerTeller;
  readonly #requests: TransferRequests;
  readonly #check: TransferCheck;
  /** Whether the bytes before are those of an earlier run, which the disk may have lost since. */
  #fromEarlier = false;

  constructor(readonly plan: TransferPlan, readonly tools: TransferTools) {
    this.#teller = new AnswerTeller(plan, tools);
    this.#requests = new TransferRequests(plan, tools, {
      begun: () => {
        if (plan.body.kind !== "none") this.bytes = 0;
      },
      sent: (bytes) => this.bytes += bytes,
      answered: ({ status, headers }) => {
        this.status = status;
        this.lastModified = parseHttpDate(headers.get("last-modified") ?? "") ?? undefined;
        this.etag = headers.get("etag");
      },
    });
    this.#check = new TransferCheck(this.#requests, tools.digest);
  }

  /** How far it is: with the body of the answer, or with its own while there is one to send. */
  get amount(): Amount {
    const { start, have, end } = this.#position;
    const { body } = this.plan;
    if (body.kind === "none" || have > 0) {
      return { done: have, size: end === undefined ? undefined : end - start, moved: this.bytes };
    }
    return { done: this.bytes, size: bodySize(body) ?? undefined, moved: this.bytes };
  }

  /** Does it all. Throws a FerryError, or the reason of `tools.stop`; then the sink has been left in order. */
  async run(): Promise<void> {
    using deadline = new Deadline(this.plan.timeout, this.plan.url);
    const signal = AbortSignal.any([this.tools.stop, deadline.signal]);
    try {
      await this.#tries(signal, deadline);
    } catch (error) {
      const keep = canResume(this.#position) && this.plan.range === undefined &&
        !(error instanceof FerryError && error.code === "checksum_mismatch");
      const kept = this.tools.sink.abandon(this.#position, keep);
      if (kept === null) tellLost(error, this.#position);
      else tellKept(error, { bytes: this.#position.have, kept }, this.tools.onNotice);
      throw error;
    }
  }

  async #tries(signal: AbortSignal, deadline: Deadline): Promise<void> {
    const { sink } = this.tools;
    let unseen: PartFile | null = null;
    if (this.plan.resume && sink instanceof PartFile) {
      const position = sink.position(this.plan.url, this.plan.sha256);
      if (position !== null) {
        this.#position = position;
        this.#fromEarlier = true;
      } else {
        if (sink.refused !== null) this.#notice(`${sink.part} is not gone on with: ${sink.refused}`);
        unseen = sink;
      }
    }
    await tryAgain(async (last) => {
      if (unseen !== null && await this.#isThere(unseen, signal)) return;
      unseen = null;
      await this.#attempt(signal, last);
    }, {
      retries: this.plan.retries,
      signal,
      deadline,
      progress: () => this.#position.have,
      mayTryAgain: (error) => this.#mayTryAgain(error),
      onRetry: (why) => {
        this.retries++;
        this.tools.onRetry?.(why);
      },
    });
  }

  #mayTryAgain(error: unknown): boolean {
    const request = { method: this.plan.method, rereadable: isRereadable(this.plan.body) };
    if (!mayRetry(error, request)) return false;
    // What has gone into a pipe can only be gone on from.
    return this.#position.have === 0 || canResume(this.#position) || this.tools.sink.restart();
  }

  async #attempt(signal: AbortSignal, last: boolean): Promise<void> {
    const answer = await this.#requests.main(signal, this.#requests.headersFor(this.#position));
    try {
      await this.#take(answer, { signal, last });
    } finally {
      // What is not read to its end keeps its connection from others, of which there are few.
      await answer.response.body?.cancel();
    }
  }

  async #take(answer: Answer, { signal, last }: { signal: AbortSignal; last: boolean }): Promise<void> {
    const resuming = canResume(this.#position);
    const { response } = answer;
    const { status } = response;
    if (status >= 400 && (resuming || !last) && this.#mayTryAgain(statusError(answer, ""))) {
      throw statusError(answer, "");
    }
    if (!resuming) return await this.#fresh(answer, signal);
    const verdict = judgeResume(this.#position, response);
    switch (verdict.kind) {
      case "append":
        return await this.#deliver(answer, signal, 0);
      case "skip":
        return await this.#deliver(answer, signal, verdict.bytes);
      case "changed":
      case "useless":
        if (status >= 400 && status !== 412 && status !== 416) {
          throw await this.#teller.failure(answer, signal);
        }
        if (!this.tools.sink.restart()) throw this.#teller.brokeOff(this.#position.have);
        this.#teller.startingOver(response, this.#position.have);
        this.#startOver();
        if (verdict.kind === "changed" && this.plan.range === undefined) {
          return await this.#fresh(answer, signal);
        }
        await response.body?.cancel();
        return await this.#attempt(signal, last);
    }
  }

  #isNoNewer(): boolean {
    const { plan: { ifNewer }, status, lastModified } = this;
    return ifNewer !== undefined && isNoNewer({ status: status!, lastModified }, ifNewer);
  }

  /** An answer from its beginning. */
  async #fresh(answer: Answer, signal: AbortSignal): Promise<void> {
    const { response, hop } = answer;
    const { plan, tools } = this;
    if (response.status >= 400 && plan.fail) throw await this.#teller.failure(answer, signal);
    if (response.status === 304 && !isConditional(hop.headers)) throw unasked(hop.url);
    try {
      const { method, range } = plan;
      const wish = { method, range, finalMethod: hop.method, ownRange: plan.headers.has("range") };
      this.#position = startPosition(wish, response);
    } catch (error) {
      if (!(error instanceof FerryError)) throw error;
      throw new FerryError(error.code, `${quote(hop.url.href)}: ${error.message}`);
    }
    this.#teller.head(response);
    this.#teller.coding(response);
    // Nothing has changed since the copy that the user's own condition names: it stays.
    if (response.status === 304 || this.#isNoNewer()) {
      this.unchanged = true;
      return;
    }
    tools.sink.answered?.({ headers: response.headers, url: hop.url });
    await this.#check.begin(answer, this.#position);
    tools.sink.begin(this.#position, plan.url);
    await this.#deliver(answer, signal, 0);
  }

  async #deliver(answer: Answer, signal: AbortSignal, skip: number): Promise<void> {
    const { sink, pace } = this.tools;
    const position = this.#position;
    if (position.have > 0) {
      this.resumed = true;
      // A part of an earlier run is opened only now that the server has agreed to go on with it.
      sink.begin(position, this.plan.url);
      await this.#check.goOn(answer, { position, sink, signal });
    }
    const count = (bytes: Uint8Array) => {
      this.#check.update(bytes);
      position.have += bytes.length;
      if (this.plan.body.kind === "none") this.bytes += bytes.length;
    };
    const take = (bytes: Uint8Array) => {
      const writing = sink.write(bytes);
      // A file is written at once; awaiting nothing for each piece would cost more than the piece.
      if (writing === undefined) return count(bytes);
      return writing.then(() => count(bytes));
    };
    const limit = position.end === undefined ? undefined : position.end - position.start - position.have;
    if (answer.hop.method === "HEAD") await answer.response.body?.cancel();
    else await pump(answer.response.body, take, { url: answer.hop.url, skip, limit, pace, signal });
    await this.#finish(answer, signal);
  }

  /** All bytes are there: shows them when they are the right ones. */
  async #finish(answer: Answer, signal: AbortSignal): Promise<void> {
    const { sink } = this.tools;
    const { verification } = this.#check;
    let wrong = await this.#check.judge(answer, { position: this.#position, signal });
    if (wrong !== null && wrong.by === "Repr-Digest" && await this.#mend(answer.hop, signal)) {
      wrong = await verification.contradiction();
    }
    if (wrong === null) {
      for (const { by, algorithm } of verification.watched) {
        this.tools.trace?.(`* the ${algorithm} of the body is the one of ${by}`);
      }
      return sink.finish();
    }
    // The bytes of an earlier run may have been damaged since; those that the server says are right are not.
    const blameless = wrong.by === "--checksum" && verification.isClaimed;
    if (!this.#fromEarlier || blameless || !sink.restart()) throw mismatchError(this.plan.url, wrong);
    this.#notice(`${mismatchError(this.plan.url, wrong).message}; starting over`);
    this.#startOver();
    await this.#attempt(signal, true);
  }

  #startOver(): void {
    this.#position = { start: 0, have: 0 };
    this.#fromEarlier = false;
    this.resumed = false;
  }

  /** Whether the damaged part has been made right; not yet whether it is right now. */
  async #mend(hop: Hop, signal: AbortSignal): Promise<boolean> {
    const { sink } = this.tools;
    if (!(sink instanceof PartFile)) return false;
    const { mend } = await import("../parts/mending.ts");
    const repaired = await mend(sink, { position: this.#position, hop }, this.#mendTools(signal));
    this.repaired = repaired ?? this.repaired;
    return repaired !== null;
  }

  /** Whether the file that is at the target already is the resource, or has been made so. */
  async #isThere(file: PartFile, signal: AbortSignal): Promise<boolean> {
    const { mendExisting } = await import("../parts/mending.ts");
    const there = await mendExisting(file, this.plan.url, this.#mendTools(signal));
    if (there === null) return false;
    this.resumed = true;
    this.repaired = there.repaired;
    return true;
  }

  #mendTools(signal: AbortSignal): MendTools {
    return {
      requests: this.#requests,
      verification: this.#check.verification,
      signal,
      received: (bytes) => this.bytes += bytes,
      mayPass: (error) => this.#mayTryAgain(error),
      notice: (text) => this.#notice(text),
    };
  }

  #notice(text: string): void {
    this.tools.onNotice?.(text);
  }
}
