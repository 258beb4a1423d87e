/** One request to its final answer, redirects followed by our own hand. */
import { FerryError, quote } from "../core/errors.ts";
import { headerLines, statusLine } from "./answer_text.ts";
import { type BodySource, isRereadable, openBody } from "./body_source.ts";
import type { Meter } from "./chunk_stream.ts";
import type { HttpClient } from "./http_client.ts";
import { type Hop, isRedirect, nextHop } from "./redirect.ts";

export interface ExchangeOptions {
  body: BodySource;
  meter: Meter;
  signal: AbortSignal;
  /** How many redirects to follow; null to take them as answers. */
  maxRedirects: number | null;
  /** Gets each line of what is sent and received, secrets redacted. */
  trace?: (line: string) => void;
}

/** An answer and the request that brought it. */
export interface Answer {
  response: Response;
  hop: Hop;
}

/** Sends `first` and follows where the answers lead. Throws `too_many_redirects`, `bad_url`, and what `fetch` throws. */
export async function exchange(client: HttpClient, first: Hop, options: ExchangeOptions): Promise<Answer> {
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
        }`,
      );
    }
    hop = nextHop(hop, { status: response.status, location });
    if (hop.withBody && !isRereadable(options.body)) {
      throw new FerryError(
        "http_status",
        `${quote(first.url.href)}: ${response.status} redirects to ${quote(hop.url.href)}, ` +
          "but what came through a pipe cannot be sent a second time; request that URL",
      );
    }
  }
}

async function send(client: HttpClient, hop: Hop, options: ExchangeOptions): Promise<Response> {
  const { trace } = options;
  if (trace) {
    trace(`> ${hop.method} ${hop.url.pathname}${hop.url.search} HTTP/1.1`);
    if (!hop.headers.has("host")) trace(`> host: ${hop.url.host}`);
    for (const line of headerLines(client.headersFor(hop.url, hop.headers), { redact: true })) {
      trace(`> ${line}`);
    }
    trace(">");
  }
  const response = await client.fetch(hop.url, {
    method: hop.method,
    headers: hop.headers,
    body: hop.withBody ? openBody(options.body, options.meter) : null,
    signal: options.signal,
  });
  if (trace) {
    trace(`< ${statusLine(response.status, response.statusText)}`);
    for (const line of headerLines(response.headers, { redact: true })) trace(`< ${line}`);
    trace("<");
  }
  return response;
}
