/** One URL from request to the bytes in their place: tries, resumes, checks. */
import { FerryError, quote } from "../core/errors.ts";
import { headerLines, statusLine } from "./answer_text.ts";
import { type BodySource, isRereadable } from "./body_source.ts";
import type { Digest } from "./digest.ts";
import { Deadline } from "./deadline.ts";
import { type Answer, exchange } from "./exchange.ts";
import type { WireAnswer } from "./http1/answer.ts";
import type { Pace } from "./pace.ts";
import { PartFile } from "./part_file.ts";
import { pump } from "./pump.ts";
import type { RangeWish } from "./range_flag.ts";
import type { RequestClient } from "./request_client.ts";
import { canResume, judgeResume, parseContentRange, type Position, rangeFrom } from "./resume.ts";
import { mayRetry } from "./retry.ts";
import { type Sink, statOrNull } from "./sink.ts";
import { startPosition } from "./start_position.ts";
import { readErrorBody, statusError } from "./status_answer.ts";
import type { StatusError } from "./status_error.ts";
import { tryAgain } from "./try_again.ts";

/** What is to be done with one URL. */
export interface TransferPlan {
  url: URL;
  method: string;
  headers: Headers;
  body: BodySource;
  range?: RangeWish;
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
  digest?: Digest;
  pace?: Pace;
  trace?: (line: string) => void;
  /** A try has failed and another one follows. */
  onRetry?: (why: string) => void;
  /** The head of the answer whose body follows, as text; once. */
  onHead?: (head: string) => void;
  /** The body of an answer that is an error; cut when it is long. */
  onErrorBody?: (body: Uint8Array) => void;
}

/** One request with its retries, until its body has come or gone whole. */
export class Transfer {
  /** The status of the last answer. */
  status: number | undefined;
  /** Bytes of the body that this run received, or sent when it has a body to send. */
  bytes = 0;
  retries = 0;
  /** Whether bytes of an earlier run, or of an earlier try, were gone on from. */
  resumed = false;
  #position: Position = { start: 0, have: 0 };
  #headShown = false;

  constructor(readonly plan: TransferPlan, readonly tools: TransferTools) {}

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
      if (kept === null || !(error instanceof FerryError)) throw error;
      error.message += `; ${this.#position.have} bytes are kept in ${
        quote(kept)
      }, --continue goes on from there`;
      throw error;
    }
  }

  async #tries(signal: AbortSignal, deadline: Deadline): Promise<void> {
    if (this.plan.resume && this.tools.sink instanceof PartFile) {
      const position = this.tools.sink.position(this.plan.url);
      if (position !== null) this.#position = position;
      else if (await this.#alreadyWhole(this.tools.sink.path, signal)) return;
    }
    await tryAgain((last) => this.#attempt(signal, last), {
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
        this.#position = { start: 0, have: 0 };
        this.resumed = false;
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
    return exchange(tools.client, hop, {
      body: plan.body,
      meter: (bytes) => {
        this.bytes += bytes;
        return tools.pace?.take(bytes, signal);
      },
      signal,
      maxRedirects: plan.maxRedirects,
      trace: tools.trace,
    }).then((answer) => {
      this.status = answer.response.status;
      return answer;
    });
  }

  #wishHeaders(): Record<string, string> {
    return this.plan.range === undefined ? {} : { range: `bytes=${this.plan.range.text}` };
  }

  #rangeHeaders(): Record<string, string> {
    return { "range": rangeFrom(this.#position), "if-range": this.#position.validator!.value };
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
    // Nothing has changed since the copy that the user's own condition names: it stays.
    if (response.status === 304) return await response.body?.cancel();
    tools.digest?.reset();
    try {
      tools.sink.answered?.({ headers: response.headers, url: hop.url });
    } catch (error) {
      await response.body?.cancel();
      throw error;
    }
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
    const { sink, digest, pace } = this.tools;
    const position = this.#position;
    if (position.have > 0) {
      this.resumed = true;
      // A part of an earlier run is opened only now that the server has agreed to go on with it.
      sink.begin(position, this.plan.url);
      if (digest && digest.count !== position.have && sink instanceof PartFile) {
        digest.reset();
        sink.readBack((bytes) => digest.update(bytes));
      }
    }
    const count = (bytes: Uint8Array) => {
      digest?.update(bytes);
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
    const { sha256 } = this.plan;
    if (digest && sha256 !== undefined && digest.hex() !== sha256) {
      throw new FerryError(
        "checksum_mismatch",
        `${
          quote(this.plan.url.href)
        }: the SHA-256 is ${digest.hex()}, not the ${sha256} that --checksum demands`,
      );
    }
    sink.finish();
  }

  /** Whether `path`, from an earlier run, is the resource as it is: of its size, and not changed there since. */
  async #alreadyWhole(path: string, signal: AbortSignal): Promise<boolean> {
    const info = statOrNull(path, path);
    if (info === null || info.size === 0 || info.mtime === null) return false;
    const { response } = await this.#exchange(signal, {
      "range": `bytes=${info.size}-`,
      "if-unmodified-since": info.mtime.toUTCString(),
    });
    await response.body?.cancel();
    const range = parseContentRange(response.headers.get("content-range"));
    if (response.status !== 416 || range?.kind !== "unsatisfied" || range.size !== info.size) return false;
    const { digest } = this.tools;
    if (digest) {
      using file = Deno.openSync(path);
      const body = { read: (buffer: Uint8Array) => file.read(buffer), cancel: async () => {} };
      await pump(body, (bytes) => digest.update(bytes), { url: this.plan.url, signal });
      // Not the one that is wanted, whatever its size: fetch it.
      if (this.plan.sha256 !== undefined && digest.hex() !== this.plan.sha256) return false;
    }
    this.resumed = true;
    return true;
  }

  #showHead(response: WireAnswer): void {
    if (this.#headShown) return;
    this.#headShown = true;
    const lines = [statusLine(response), ...headerLines(response.headers)];
    this.tools.onHead?.(lines.join("\n") + "\n\n");
  }
}
