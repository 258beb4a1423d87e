/** One server of a download in segments: what it says of the resource, and its ranges, each judged before it counts. */
import { FerryError, quote } from "../../core/errors.ts";
import { parseHttpDate } from "../../http/date.ts";
import { type Answer, exchange } from "../exchange.ts";
import type { RequestClient } from "../request_client.ts";
import { ifNewerHeader, isNoNewer } from "../if_newer.ts";
import type { Hop } from "../redirect.ts";
import { judgeResume, parseContentRange, strongValidator, type Validator } from "../transfer/resume.ts";
import { statusError } from "../status_answer.ts";
import { type Claim, claimsOf } from "../transfer/verification.ts";
import type { Facts } from "../write_out/facts.ts";
import type { Span } from "./spans.ts";

export interface SourceOptions {
  url: URL;
  headers: Headers;
  client: RequestClient;
  maxRedirects: number | null;
  trace?: (line: string) => void;
  /** Takes notes for `--write-out`; those on a mirror are no answers to what was asked for. */
  facts?: Facts;
  isMirror: boolean;
  /** What is no newer than that is not wanted; milliseconds since 1970. */
  ifNewer?: number;
}

/** The resource as one server has it. */
export interface Seen {
  size: number;
  validator: Validator;
}

/** What the first answer of a server means. */
export type Opening =
  /** It serves ranges of a resource that can be told from others; the bytes of `span` follow. */
  | { kind: "ranges"; seen: Seen; span: Span; answer: Answer }
  /** It must be fetched in one stream; `why` is what to say about it, if anything. */
  | { kind: "whole"; why: string | null }
  /** It is not what `seen` said. */
  | { kind: "changed" };

/** The resource is not the one any more that the bytes so far are of. */
export class Changed extends FerryError {}

/** The server does not send the ranges that it is asked for. */
export class NoRanges extends FerryError {}

/** One server. */
export class Source {
  /** What it brought. */
  brought: Span[] = [];
  /** Why it is not asked any more. */
  dropped: unknown = undefined;
  /** The status of its last answer. */
  status: number | undefined;
  /** When the content was changed, as it says; milliseconds since 1970. */
  lastModified: number | undefined;
  /** Whether the user has been told that it takes no more connections. */
  crowded = false;
  seen: Seen | undefined;
  #hop: Hop | null = null;

  constructor(readonly options: SourceOptions) {}

  get url(): URL {
    return this.options.url;
  }

  /** What messages call it. */
  get label(): string {
    return quote(this.url.host);
  }

  /** Asks for `span`, the first bytes that are wanted; what there is of the resource is known as `seen`, if anything. */
  async open(span: Span, seen: Seen | undefined, signal: AbortSignal): Promise<Opening> {
    const { ifNewer } = this.options;
    const answer = await this.#ask("GET", span, seen, signal, {
      "want-repr-digest": "sha-256=1",
      ...(ifNewer === undefined || seen !== undefined ? {} : ifNewerHeader(ifNewer)),
    });
    const opening = this.#judgeOpening(answer, span, seen);
    if (opening.kind === "ranges") this.seen = opening.seen;
    else await answer.response.body?.cancel();
    return opening;
  }

  #judgeOpening(answer: Answer, span: Span, seen: Seen | undefined): Opening {
    const { response, hop } = answer;
    const { status, headers } = response;
    const whole = (why: string | null): Opening => ({ kind: "whole", why });
    if (seen !== undefined) {
      const verdict = judgeResume(positionOf(span, seen), response);
      if (verdict.kind !== "append") return { kind: "changed" };
    } else if (status === 200) {
      // Nothing has no ranges (RFC 9110 section 14.1.2).
      return whole(headers.get("content-length") === "0" ? null : "the server serves no ranges of it");
    }
    // 416 for what is empty, 304 for what has not changed: one request without a range says more.
    const { ifNewer } = this.options;
    this.lastModified = parseHttpDate(headers.get("last-modified") ?? "") ?? undefined;
    if (ifNewer !== undefined && isNoNewer({ status, lastModified: this.lastModified }, ifNewer)) {
      return whole(null);
    }
    if (status !== 206 || hop.method !== "GET") return whole(null);
    const range = parseContentRange(headers.get("content-range"));
    if (range?.kind !== "part" || range.start !== span.start || range.end > span.end) {
      return whole("the server does not send the range that it was asked for");
    }
    if (range.size === undefined) return whole("the server does not say how large it is");
    const coding = headers.get("content-encoding") ?? "identity";
    if (coding.toLowerCase() !== "identity") return whole("the server sends it compressed");
    const validator = strongValidator(headers) ?? seen?.validator;
    if (validator === undefined) {
      return whole("no strong validator says whether it stays the same between two ranges");
    }
    const served = { start: range.start, end: range.end };
    return { kind: "ranges", seen: { size: range.size, validator }, span: served, answer };
  }

  /** The bytes of `span`, or those of them that the server likes to send at once. Throws Changed, NoRanges, StatusError. */
  async fetch(span: Span, signal: AbortSignal): Promise<{ span: Span; answer: Answer }> {
    const seen = this.seen!;
    const answer = await this.#ask("GET", span, seen, signal);
    const { response } = answer;
    const range = parseContentRange(response.headers.get("content-range"));
    if (judgeResume(positionOf(span, seen), response).kind === "append" && range?.kind === "part") {
      return { span: { start: span.start, end: range.end }, answer };
    }
    await response.body?.cancel();
    const where = quote(this.url.href);
    const tag = response.headers.get("etag");
    const sameTag = seen.validator.kind === "etag" && tag === seen.validator.value;
    const sameSize = (range?.size ?? seen.size) === seen.size;
    const deaf = response.status === 416
      ? range !== null && sameSize
      : sameTag && (response.status === 200 || (response.status === 206 && sameSize));
    if (deaf) {
      throw new NoRanges(
        "partial_transfer",
        `${where}: the server does not send the range that it was asked for`,
      );
    }
    throw new Changed("partial_transfer", `${where}: it was changed while it was fetched`);
  }

  /** What the server says of the whole without sending it: its size, and its digests (RFC 9530). Throws StatusError. */
  async describe(signal: AbortSignal): Promise<{ seen: Seen | null; claims: Claim[] }> {
    const { response } = await this.#ask("HEAD", null, undefined, signal, {
      "want-repr-digest": "sha-256=10",
    });
    await response.body?.cancel();
    const length = response.headers.get("content-length") ?? "";
    const validator = strongValidator(response.headers);
    const known = response.status === 200 && /^\d{1,15}$/.test(length) && validator !== undefined &&
      validator.coding === undefined;
    const seen = known ? { size: Number(length), validator } : null;
    return {
      seen,
      claims: response.status === 200 ? claimsOf(response, { method: "GET", resumed: true }) : [],
    };
  }

  /** Whether there is another way than the last one: from the beginning of its redirects. */
  backToFirst(): boolean {
    const moved = this.#hop !== null && this.#hop.url.href !== this.url.href;
    this.#hop = null;
    return moved;
  }

  async #ask(
    method: string,
    span: Span | null,
    seen: Seen | undefined,
    signal: AbortSignal,
    more: Record<string, string> = {},
  ): Promise<Answer> {
    const { url, headers, client, maxRedirects, trace, facts, isMirror } = this.options;
    const first = this.#hop ?? { url, method, headers, withBody: false };
    const hop = { ...first, method, headers: new Headers(first.headers) };
    for (const name of ["range", "if-range", "want-repr-digest"]) hop.headers.delete(name);
    for (const [name, value] of Object.entries(more)) hop.headers.set(name, value);
    if (span !== null) hop.headers.set("range", `bytes=${span.start}-${span.end - 1}`);
    if (seen !== undefined) hop.headers.set("if-range", seen.validator.value);
    const answer = await exchange(client, hop, {
      body: { kind: "none" },
      meter: () => {},
      signal,
      maxRedirects,
      trace,
      facts,
      as: isMirror || method !== "GET" ? null : undefined,
    });
    const { status } = answer.response;
    this.status = status;
    // All ranges from where the first redirects led to: other machines behind one name may have other validators.
    if (status < 400 && method === "GET") this.#hop = answer.hop;
    if (status < 400 || status === 416 || status === 412) return answer;
    if (method === "GET") await answer.response.body?.cancel();
    throw statusError(answer, "");
  }
}

function positionOf(span: Span, seen: Seen) {
  return { start: span.start, have: 0, end: span.end, size: seen.size, validator: seen.validator };
}
