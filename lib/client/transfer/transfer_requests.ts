/** The requests that one transfer makes: its own, over and over, and those beside it. */
import { FerryError } from "../../core/errors.ts";
import { type Answer, exchange, type ExchangeOptions } from "../exchange.ts";
import type { WireAnswer } from "../http1/answer.ts";
import { ifNewerHeader } from "../if_newer.ts";
import type { Hop } from "../redirect.ts";
import { canResume, type Position, rangeFrom, type Validator } from "./resume.ts";
import type { TransferPlan, TransferTools } from "./transfer_plan.ts";
import { type Claim, claimsOf } from "./verification.ts";

const WANT = "want-repr-digest";

/** By this a ferry serve says that it can tell the digest of what it sends once it has sent it (docs/http.md). */
const DIGEST_LATER = "ferry-digest";

/** How a server tells the digest of a body once it has sent it. */
export type DigestLater = "head" | "trailer" | null;

/** How an answer says that its digest can be had once its body has come. */
export function digestLater({ status, headers }: Pick<WireAnswer, "status" | "headers">): DigestLater {
  if (/\b(repr|content)-digest\b/i.test(headers.get("trailer") ?? "")) return "trailer";
  const later = headers.get(DIGEST_LATER) === "later" && (status === 200 || status === 206);
  return later ? "head" : null;
}

/** Who is told of the request itself. */
interface Told {
  /** It is made, perhaps once more. */
  begun(): void;
  /** So much of its body has gone out. */
  sent(bytes: number): void;
  answered(answer: WireAnswer): void;
}

/** Makes the requests of `plan`. */
export class TransferRequests {
  constructor(readonly plan: TransferPlan, readonly tools: TransferTools, readonly told: Told) {}

  /** The request itself, with `extra` headers. */
  async main(signal: AbortSignal, extra: Record<string, string>): Promise<Answer> {
    const { plan, tools, told } = this;
    const headers = new Headers(plan.headers);
    for (const [name, value] of Object.entries(extra)) headers.set(name, value);
    const hop = { url: plan.url, method: plan.method, headers, withBody: plan.body.kind !== "none" };
    told.begun();
    const meter = (bytes: number) => {
      told.sent(bytes);
      return tools.pace?.take(bytes, signal);
    };
    const answer = await this.#send(hop, { body: plan.body, meter, signal });
    told.answered(answer.response);
    return answer;
  }

  /** A request beside it, with the headers of `hop`, where that led. */
  aside(hop: Hop, headers: Record<string, string>, signal: AbortSignal): Promise<Answer> {
    const all = new Headers(hop.headers);
    for (const name of ["range", "if-range", WANT]) all.delete(name);
    for (const [name, value] of Object.entries(headers)) all.set(name, value);
    const body = { kind: "none" } as const;
    return this.#send({ ...hop, headers: all, withBody: false }, { body, meter: () => {}, signal, as: null });
  }

  /** What the request itself says when so much is there. */
  headersFor(position: Position): Record<string, string> {
    const { range, method, headers, ifNewer } = this.plan;
    const asked: Record<string, string> = {};
    if (canResume(position)) {
      asked["range"] = rangeFrom(position);
      asked["if-range"] = position.validator!.value;
    } else {
      if (range !== undefined) asked["range"] = `bytes=${range.text}`;
      if (ifNewer !== undefined) Object.assign(asked, ifNewerHeader(ifNewer));
    }
    // The least weight: what costs the server a look at all of a large file is not worth waiting for (docs/http.md).
    if (range === undefined && method === "GET" && !headers.has(WANT)) asked[WANT] = "sha-256=1";
    return asked;
  }

  /** The digest of what has come, asked for now; a favour of the server's, without which nothing is wrong. */
  async laterClaims(
    hop: Hop,
    { validator, signal }: { validator?: Validator; signal: AbortSignal },
  ): Promise<Claim[]> {
    try {
      const { response } = await this.aside({ ...hop, method: "HEAD" }, { [WANT]: "sha-256=10" }, signal);
      await response.body?.cancel();
      if (response.status !== 200 || response.headers.get("etag") !== validator?.value) return [];
      return claimsOf(response, { method: "GET", resumed: true });
    } catch (error) {
      if (signal.aborted || !(error instanceof FerryError)) throw error;
      return [];
    }
  }

  #send(hop: Hop, options: Pick<ExchangeOptions, "body" | "meter" | "signal" | "as">): Promise<Answer> {
    const { maxRedirects } = this.plan;
    const { client, pace, trace, facts } = this.tools;
    const largestPiece = pace?.pieceSize(Infinity);
    return exchange(client, hop, { ...options, largestPiece, maxRedirects, trace, facts });
  }
}
