/** One URL from request to the bytes in their place: tries, resumes, checks. */
import { FerryError, quote } from "../core/errors.ts";
import { parseHttpDate } from "../http/date.ts";
import { headerLines, statusLine } from "./answer_text.ts";
import { bodySize, type BodySource, isRereadable } from "./body_source.ts";
import type { Digest } from "./digest.ts";
import { Deadline } from "./deadline.ts";
import type { Answer } from "./exchange.ts";
import type { WireAnswer } from "./http1/answer.ts";
import type { MendTools } from "./mending.ts";
import type { Pace } from "./pace.ts";
import { PartFile } from "./part_file.ts";
import { isNoNewer } from "./if_newer.ts";
import { pump } from "./pump.ts";
import type { RangeWish } from "./range_flag.ts";
import type { Hop } from "./redirect.ts";
import type { RequestClient } from "./request_client.ts";
import { canResume, judgeResume, type Position } from "./resume.ts";
import { mayRetry } from "./retry.ts";
import type { Sink } from "./sink.ts";
import { startPosition } from "./start_position.ts";
import { readErrorBody, statusError } from "./status_answer.ts";
import type { StatusError } from "./status_error.ts";
import { type DigestLater, digestLater, TransferRequests } from "./transfer_requests.ts";
import type { Amount } from "./transfers_meter.ts";
import { tryAgain } from "./try_again.ts";
import { checksumClaim, claimsOf, mismatchError, Verification } from "./verification.ts";

/** What is to be done with one URL. */
export interface TransferPlan {
  url: URL;
  method: string;
  headers: Headers;
  body: BodySource;
  range?: RangeWish;
  /** Only what was changed after this is wanted, milliseconds since 1970. */
  ifNewer?: number;
  /** Go on with the part that an earlier run left. */
  resume: boolean;
  /** The SHA-256 that the body must have, lower-case hex. */
  sha256?: string;
  maxRedirects: number | null;
  retries: number;
  /** Milliseconds for all of it, tries and waits included. */
  timeout?: number;
  /** Whether a status of 400 or more is an error. */
  fail: boolean;
}

/** What a transfer works with and tells. */
export interface TransferTools {
  client: RequestClient;
  sink: Sink;
  stop: AbortSignal;
  /** Takes all of the body, for whoever wants its SHA-256. */
  digest?: Digest;
  pace?: Pace;
  trace?: (line: string) => void;
  /** A try has failed and another one follows. */
  onRetry?: (why: string) => void;
  /** Something that the user may want to know has happened, and the transfer goes on. */
  onNotice?: (text: string) => void;
  /** The head of the answer whose body follows, as text; once. */
  onHead?: (head: string) => void;
  /** The body of an answer that is an error; cut when it is long. */
  onErrorBody?: (body: Uint8Array) => void;
}

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
  /** Whether bytes of an earlier run, or of an earlier try, were gone on from. */
  resumed = false;
  /** Bytes that were fetched anew because they were damaged, once they were. */
  repaired: number | undefined;
  #position: Position = { start: 0, have: 0 };
  #headShown = false;
  readonly #verification: Verification;
  readonly #requests: TransferRequests;
  #digestLater: DigestLater = null;
  /** Whether the bytes before are those of an earlier run, which the disk may have lost since. */
  #fromEarlier = false;

  constructor(readonly plan: TransferPlan, readonly tools: TransferTools) {
    const { sha256 } = plan;
    this.#verification = new Verification(tools.digest, sha256 === undefined ? [] : [checksumClaim(sha256)]);
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
      if (kept === null) throw error;
      const how = `${this.#position.have} bytes are kept in ${quote(kept)}, --continue goes on from there`;
      if (error instanceof FerryError) error.message += `; ${how}`;
      else this.tools.onNotice?.(how);
      throw error;
    }
  }

  async #tries(signal: AbortSignal, deadline: Deadline): Promise<void> {
    const { sink } = this.tools;
    let unseen: PartFile | null = null;
    if (this.plan.resume && sink instanceof PartFile) {
      const position = sink.position(this.plan.url);
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
    const resuming = canResume(this.#position);
    const answer = await this.#requests.main(signal, this.#requests.headersFor(this.#position));
    const { response } = answer;
    const { status } = response;
    if (status >= 400 && (resuming || !last) && this.#mayTryAgain(statusError(answer, ""))) {
      await response.body?.cancel();
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
        if (status >= 400 && status !== 412 && status !== 416) throw await this.#failure(answer, signal);
        if (!this.tools.sink.restart()) {
          await response.body?.cancel();
          throw new FerryError(
            "partial_transfer",
            `${
              quote(this.plan.url.href)
            }: the transfer broke off after ${this.#position.have} bytes, and the ` +
              "server does not go on from there (the content has changed, or it serves no ranges)",
          );
        }
        this.#notice(
          `${quote(this.plan.url.href)}: the server does not go on after ${this.#position.have} bytes, ` +
            `${whyNot(response)}; starting over`,
        );
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
    if (response.status >= 400 && plan.fail) throw await this.#failure(answer, signal);
    try {
      const { method, range } = plan;
      const wish = { method, range, finalMethod: hop.method, ownRange: plan.headers.has("range") };
      this.#position = startPosition(wish, response);
    } catch (error) {
      await response.body?.cancel();
      if (!(error instanceof FerryError)) throw error;
      throw new FerryError(error.code, `${quote(hop.url.href)}: ${error.message}`);
    }
    this.#showHead(response);
    this.#tellCoding(response);
    // Nothing has changed since the copy that the user's own condition names: it stays.
    if (response.status === 304 || this.#isNoNewer()) return await response.body?.cancel();
    try {
      tools.sink.answered?.({ headers: response.headers, url: hop.url });
    } catch (error) {
      await response.body?.cancel();
      throw error;
    }
    const { start, end } = this.#position;
    this.#digestLater = digestLater(response);
    await this.#verification.begin(claimsOf(response, { method: hop.method, resumed: false }), {
      size: end === undefined ? undefined : end - start,
      later: this.#digestLater !== null,
    });
    tools.sink.begin(this.#position, plan.url);
    await this.#deliver(answer, signal, 0);
  }

  /** The error that an answer of 400 or more is; its body has been shown. */
  async #failure(answer: Answer, signal: AbortSignal): Promise<StatusError> {
    this.#showHead(answer.response);
    const body = await readErrorBody(answer, signal);
    this.tools.onErrorBody?.(body);
    return statusError(answer, new TextDecoder().decode(body));
  }

  async #deliver(answer: Answer, signal: AbortSignal, skip: number): Promise<void> {
    const { sink, pace } = this.tools;
    const position = this.#position;
    if (position.have > 0) await this.#goOn(answer, signal);
    const count = (bytes: Uint8Array) => {
      this.#verification.update(bytes);
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

  /** What has come before is gone on from. */
  async #goOn({ response, hop }: Answer, signal: AbortSignal): Promise<void> {
    const { sink } = this.tools;
    const { have, end, start } = this.#position;
    this.resumed = true;
    // A part of an earlier run is opened only now that the server has agreed to go on with it.
    sink.begin(this.#position, this.plan.url);
    // Of a range alone a digest of the whole says nothing.
    const all = this.plan.range === undefined;
    this.#digestLater = all && digestLater(response) === "head" ? "head" : null;
    await this.#verification.goOn(all ? claimsOf(response, { method: hop.method, resumed: true }) : [], {
      have,
      size: end === undefined ? undefined : end - start,
      later: this.#digestLater !== null,
      back: sink instanceof PartFile ? (take) => sink.readBack(take, signal) : null,
    });
  }

  /** All bytes are there: shows them when they are the right ones. */
  async #finish({ response, hop }: Answer, signal: AbortSignal): Promise<void> {
    const { sink } = this.tools;
    if (this.#digestLater === "trailer") {
      const headers = response.body?.trailers;
      if (headers) {
        this.#verification.claim(claimsOf({ ...response, headers }, { method: hop.method, resumed: false }));
      }
    } else if (this.#digestLater === "head" && !this.#verification.isClaimed) {
      this.#verification.claim(await this.#requests.laterClaims(hop, { ...this.#position, signal }));
    }
    let wrong = await this.#verification.contradiction();
    if (wrong !== null && wrong.by === "Repr-Digest" && await this.#mend(hop, signal)) {
      wrong = await this.#verification.contradiction();
    }
    if (wrong === null) {
      for (const { by, algorithm } of this.#verification.watched) {
        this.tools.trace?.(`* the ${algorithm} of the body is the one of ${by}`);
      }
      return sink.finish();
    }
    // The bytes of an earlier run may have been damaged since; those that the server says are right are not.
    const blameless = wrong.by === "--checksum" && this.#verification.isClaimed;
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
    const { mend } = await import("./mending.ts");
    const repaired = await mend(sink, { position: this.#position, hop }, this.#mendTools(signal));
    this.repaired = repaired ?? this.repaired;
    return repaired !== null;
  }

  /** Whether the file that is at the target already is the resource, or has been made so. */
  async #isThere(file: PartFile, signal: AbortSignal): Promise<boolean> {
    const { mendExisting } = await import("./mending.ts");
    const there = await mendExisting(file, this.plan.url, this.#mendTools(signal));
    if (there === null) return false;
    this.resumed = true;
    this.repaired = there.repaired;
    return true;
  }

  #mendTools(signal: AbortSignal): MendTools {
    return {
      requests: this.#requests,
      verification: this.#verification,
      signal,
      received: (bytes) => this.bytes += bytes,
      mayPass: (error) => this.#mayTryAgain(error),
      notice: (text) => this.#notice(text),
    };
  }

  /** Some servers keep files compressed, and send them so whatever was asked for. */
  #tellCoding({ headers }: WireAnswer): void {
    const coding = headers.get("content-encoding") ?? "identity";
    if (coding === "identity" || this.plan.headers.has("accept-encoding")) return;
    this.#notice(
      `${quote(this.plan.url.href)}: the content comes under ${quote(coding)}, which was not asked for, ` +
        "and is kept as it came",
    );
  }

  #notice(text: string): void {
    this.tools.onNotice?.(text);
  }

  #showHead(response: WireAnswer): void {
    if (this.#headShown) return;
    this.#headShown = true;
    const lines = [statusLine(response), ...headerLines(response.headers)];
    this.tools.onHead?.(lines.join("\n") + "\n\n");
  }
}

/** Why an answer to a request for the rest is not the rest, in a few words. */
function whyNot({ status }: { status: number }): string {
  return status === 206
    ? "but sends another part"
    : status === 200
    ? "since its content has changed or it serves no ranges"
    : `but answers ${status}`;
}
