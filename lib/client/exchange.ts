/** One request to its final answer, redirects followed by our own hand. */
import { FerryError, quote } from "../core/errors.ts";
import { type BodySource, isRereadable, type Meter, requestBody } from "./body_source.ts";
import type { WireAnswer } from "./http1/answer.ts";
import type { RequestClient } from "./request_client.ts";
import { type Hop, isRedirect, nextHop } from "./redirect.ts";
import { wireTrace } from "./wire_trace.ts";
import type { Facts } from "./write_out/facts.ts";

export interface ExchangeOptions {
  body: BodySource;
  meter: Meter;
  /** Bytes of the body that are metered at once, at most. */
  largestPiece?: number;
  signal: AbortSignal;
  /** How many redirects to follow; null to take them as answers. */
  maxRedirects: number | null;
  /** Gets each line of what is sent and received, secrets redacted. */
  trace?: (line: string) => void;
  /** Where notes of it go, for `--write-out`. */
  facts?: Facts;
  /** What the notes say that was asked for, instead of the truth; null for a question that is noted as none. */
  as?: Pick<Hop, "url" | "method"> | null;
}

/** An answer and the request that brought it. */
export interface Answer {
  response: WireAnswer;
  hop: Hop;
}

/** Sends `first` and follows where the answers lead. Throws `too_many_redirects`, `bad_url`, and what the client throws. */
export async function exchange(client: RequestClient, first: Hop, options: ExchangeOptions): Promise<Answer> {
  let hop = first;
  for (let followed = 0;; followed++) {
    const response = await send(client, hop, options);
    const location = response.headers.get("location");
    if (options.maxRedirects === null || !isRedirect(response.status, location)) return { response, hop };
    await response.body?.cancel();
    if (followed >= options.maxRedirects) {
      throw new FerryError(
        "too_many_redirects",
        `${quote(first.url.href)}: more than ${options.maxRedirects} redirects; the last one leads to ${
          quote(nextHop(hop, { status: response.status, location }).url.href)
        }; --max-redirects N allows more`,
      );
    }
    if (options.as !== null) options.facts?.redirected();
    const before = hop;
    hop = nextHop(before, { status: response.status, location });
    options.trace?.(`* redirected to ${quote(hop.url.href)}${leftBehind(before, hop)}`);
    if (hop.withBody && !isRereadable(options.body)) {
      throw new FerryError(
        "http_status",
        `${quote(first.url.href)}: ${response.status} redirects to ${quote(hop.url.href)}, ` +
          "but what came through a pipe cannot be sent a second time; request that URL",
      );
    }
  }
}

/** What is not sent any more, for a person. */
function leftBehind(before: Hop, after: Hop): string {
  const method = before.method === after.method ? "" : `, by ${after.method}`;
  return before.url.origin === after.url.origin
    ? method
    : `${method}, another origin: no credentials go there`;
}

async function send(client: RequestClient, hop: Hop, options: ExchangeOptions): Promise<WireAnswer> {
  const { facts, as = hop, largestPiece: largest } = options;
  const meter: Meter = facts === undefined ? options.meter : (bytes) => {
    facts.sent += bytes;
    return options.meter(bytes);
  };
  const answer = await client.send(hop.url, {
    method: hop.method,
    headers: hop.headers,
    body: hop.withBody ? requestBody(options.body, meter, { largest }) : null,
    signal: options.signal,
    trace: options.trace && wireTrace(options.trace),
  });
  return facts === undefined ? answer : facts.watch(answer, as);
}
