/** One URL from request to the bytes in their place: tries, resumes, checks. */
import { assertNever, FerryError, quote } from "../core/errors.ts";
import { parseHttpDate } from "../http/date.ts";
import { headerLines, statusLine } from "./answer_text.ts";
import { bodySize, type BodySource, isRereadable } from "./body_source.ts";
import type { Digest } from "./digest.ts";
import { Deadline } from "./deadline.ts";
import { type Answer, exchange, type ExchangeOptions } from "./exchange.ts";
import type { WireAnswer } from "./http1/answer.ts";
import type { Pace } from "./pace.ts";
import { PartFile } from "./part_file.ts";
import { ifNewerHeader, isNoNewer } from "./if_newer.ts";
import { pump } from "./pump.ts";
import type { RangeWish } from "./range_flag.ts";
import { type Hop } from "./redirect.ts";
import type { RequestClient } from "./request_client.ts";
import { canResume, judgeResume, type Position, rangeFrom } from "./resume.ts";
import { mayRetry } from "./retry.ts";
import type { Sink } from "./sink.ts";
import { startPosition } from "./start_position.ts";
import { readErrorBody, statusError } from "./status_answer.ts";
import type { StatusError } from "./status_error.ts";
import type { Amount } from "./transfers_meter.ts";
import { tryAgain } from "./try_again.ts";
import { checksumClaim, claimsOf, mismatchError, Verification } from "./verification.ts";

const WANT = "want-repr-digest";

/** By this a ferry serve says that it can tell the digest of what it sends once it has sent it (docs/http.md). */
const DIGEST_LATER = "ferry-digest";

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
  /** How the server tells the digest of the body once it has sent it. */
  #digestLater: "head" | "trailer" | null = null;
  /** Whether the bytes before are those of an earlier run, which the disk may have lost since. */
  #fromEarlier = false;

  constructor(readonly plan: TransferPlan, readonly tools: TransferTools) {
    const { sha256 } = plan;
    this.#verification = new Verification(tools.digest, sha256 === undefined ? [] : [checksumClaim(sha256)]);
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
    let look = false;
    if (this.plan.resume && sink instanceof PartFile) {
      const position = sink.position(this.plan.url);
      if (position !== null) {
        this.#position = position;
        this.#fromEarlier = true;
      } else {
        if (sink.refused !== null) this.#notice(`${sink.part} is not gone on with: ${sink.refused}`);
        look = true;
      }
    }
    await tryAgain(async (last) => {
      if (look && await this.#isThere(signal)) return;
      look = false;
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
    const answer = await this.#exchange(signal, resuming ? this.#rangeHeaders() : this.#wishHeaders());
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

  #exchange(signal: AbortSignal, extra: Record<string, string>): Promise<Answer> {
    const { plan, tools } = this;
    const headers = new Headers(plan.headers);
    for (const [name, value] of Object.entries(extra)) headers.set(name, value);
    const hop = { url: plan.url, method: plan.method, headers, withBody: plan.body.kind !== "none" };
    if (hop.withBody) this.bytes = 0;
    const meter = (bytes: number) => {
      this.bytes += bytes;
      return tools.pace?.take(bytes, signal);
    };
    return this.#send(hop, { body: plan.body, meter, signal }).then((answer) => {
      this.status = answer.response.status;
      this.lastModified = lastModifiedOf(answer.response.headers);
      return answer;
    });
  }

  #send(hop: Hop, options: Pick<ExchangeOptions, "body" | "meter" | "signal">): Promise<Answer> {
    const { maxRedirects } = this.plan;
    const { client, pace, trace } = this.tools;
    const largestPiece = pace?.pieceSize(Infinity);
    return exchange(client, hop, { ...options, largestPiece, maxRedirects, trace });
  }

  /** A request beside the one that this is about, with the headers of `hop`, where that led. */
  #aside(hop: Hop, headers: Record<string, string>, signal: AbortSignal): Promise<Answer> {
    const all = new Headers(hop.headers);
    for (const name of ["range", "if-range", "want-repr-digest"]) all.delete(name);
    for (const [name, value] of Object.entries(headers)) all.set(name, value);
    const body = { kind: "none" } as const;
    return this.#send({ ...hop, headers: all, withBody: false }, { body, meter: () => {}, signal });
  }

  #wishHeaders(): Record<string, string> {
    const { range, ifNewer } = this.plan;
    const wish = range === undefined ? this.#wantDigest() : { range: `bytes=${range.text}` };
    return ifNewer === undefined ? wish : { ...wish, ...ifNewerHeader(ifNewer) };
  }

  #isNoNewer(): boolean {
    const { plan: { ifNewer }, status, lastModified } = this;
    return ifNewer !== undefined && isNoNewer({ status: status!, lastModified }, ifNewer);
  }

  #rangeHeaders(): Record<string, string> {
    const { validator } = this.#position;
    const range = { "range": rangeFrom(this.#position), "if-range": validator!.value };
    return this.plan.range === undefined ? { ...this.#wantDigest(), ...range } : range;
  }

  /** The least weight: what costs the server a look at all of a large file is not worth waiting for (docs/http.md). */
  #wantDigest(): Record<string, string> {
    const { method, headers } = this.plan;
    return method !== "GET" || headers.has(WANT) ? {} : { [WANT]: "sha-256=1" };
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
    this.#digestLater = this.plan.range === undefined && digestLater(response) === "head" ? "head" : null;
    await this.#verification.goOn(claimsOf(response, { method: hop.method, resumed: true }), {
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
      await this.#askDigest(hop, signal);
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

  /** Asks for the digest of what has come; a favour of the server's, without which nothing is wrong. */
  async #askDigest(hop: Hop, signal: AbortSignal): Promise<void> {
    const { validator } = this.#position;
    try {
      const asked = { [WANT]: "sha-256=10" };
      const { response } = await this.#aside({ ...hop, method: "HEAD" }, asked, signal);
      await response.body?.cancel();
      if (response.status !== 200 || response.headers.get("etag") !== validator?.value) return;
      this.#verification.claim(claimsOf(response, { method: "GET", resumed: true }));
    } catch (error) {
      if (signal.aborted || !(error instanceof FerryError)) throw error;
    }
  }

  /** Fetches anew what of the part is damaged, where the server tells what that is. */
  async #mend(hop: Hop, signal: AbortSignal): Promise<boolean> {
    const { sink } = this.tools;
    const { start, end, size, validator } = this.#position;
    if (!(sink instanceof PartFile) || validator === undefined || size === undefined) return false;
    if (start !== 0 || end !== size) return false;
    const { repair } = await import("./repair.ts");
    try {
      const repaired = await repair(hop.url, { file: sink, size, validator }, {
        get: (url, headers) => this.#aside({ ...hop, url }, headers, signal),
        received: (bytes) => this.bytes += bytes,
        signal,
      });
      if (repaired === null) return false;
      this.repaired = repaired;
    } catch (error) {
      // Another way to get it is left; but what is broken for the moment may be tried again.
      if (signal.aborted || !(error instanceof FerryError) || this.#mayTryAgain(error)) throw error;
      return false;
    }
    await this.#verification.again((take) => sink.readBack(take, signal));
    this.#notice(
      `${quote(sink.path)}: repaired, ${this.repaired} of ${size} bytes were damaged and fetched anew`,
    );
    return true;
  }

  /** Whether the file that is at the target already is the resource, or could be made so. */
  async #isThere(signal: AbortSignal): Promise<boolean> {
    const { sink } = this.tools;
    // A try before may have left off in the midst of mending it.
    this.#startOver();
    if (!(sink instanceof PartFile)) return false;
    sink.disown();
    const { checkExisting } = await import("./existing_file.ts");
    let hop: Hop | undefined;
    const ask = async (headers: Record<string, string>) => {
      const answer = await this.#exchange(signal, headers);
      hop = answer.hop;
      return answer;
    };
    const existing = await checkExisting(sink.path, { ask, verification: this.#verification, signal });
    switch (existing.kind) {
      case "other":
        return false;
      case "whole":
        this.resumed = true;
        return true;
      case "damaged": {
        const { size, validator } = existing;
        if (validator === undefined) return false;
        this.#position = { start: 0, have: size, end: size, size, validator };
        sink.adopt(size, this.plan.url);
        if (await this.#mend(hop!, signal) && await this.#verification.contradiction() === null) {
          sink.finish();
          return true;
        }
        this.#startOver();
        sink.disown();
        return false;
      }
      default:
        return assertNever(existing);
    }
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

/** How an answer says that its digest can be had once its body has come: in its trailer, or by a HEAD. */
export function digestLater({ status, headers }: WireAnswer): "head" | "trailer" | null {
  if (/\b(repr|content)-digest\b/i.test(headers.get("trailer") ?? "")) return "trailer";
  const later = headers.get(DIGEST_LATER) === "later" && (status === 200 || status === 206);
  return later ? "head" : null;
}

/** Why an answer to a request for the rest is not the rest, in a few words. */
function whyNot({ status }: { status: number }): string {
  return status === 206
    ? "but sends another part"
    : status === 200
    ? "since its content has changed or it serves no ranges"
    : `but answers ${status}`;
}

export function lastModifiedOf(headers: { get(name: string): string | null }): number | undefined {
  const text = headers.get("last-modified");
  return text === null ? undefined : parseHttpDate(text) ?? undefined;
}
