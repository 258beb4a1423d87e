/** What is known of one URL when it is done with, for `--write-out`. */
import type { ConnectionFacts, WireAnswer, WireBody } from "../http1/answer.ts";
import type { Outcome } from "../jobs/outcome.ts";
import { type Hop, isRedirect, nextHop } from "../redirect.ts";

/** The last answer to the request itself, and what it was an answer to. */
export interface LastAnswer {
  url: URL;
  method: string;
  version: string;
  headers: readonly (readonly [name: string, value: string])[];
  /** Where it would have led, had it been followed. */
  redirectUrl?: string;
  connection: Pick<ConnectionFacts, "remote" | "local">;
}

/** Milliseconds since the beginning, of the last answer: until that had come about. */
export interface Times {
  lookup?: number;
  connect?: number;
  tls?: number;
  request?: number;
  answer?: number;
  redirect?: number;
}

/** What one URL and its connections tell while it is requested. */
export class Facts {
  /** Bytes of bodies that came, and that were sent, all tries together. */
  received = 0;
  sent = 0;
  /** Redirects that were followed, and connections that were made. */
  redirects = 0;
  connects = 0;
  answer: LastAnswer | undefined;
  times: Times = {};

  /** `begun` is when, by `performance.now()`. */
  constructor(readonly begun = performance.now()) {}

  /** Takes note of an answer to `asked`, null for a question that counts as none, and of its body while that is read. */
  watch(answer: WireAnswer, asked: Pick<Hop, "url" | "method"> | null): WireAnswer {
    if (answer.answered === 0) this.connects++;
    if (asked !== null) this.#note(answer, asked);
    const { body } = answer;
    return body === null
      ? answer
      : { ...answer, body: new CountedBody(body, (bytes) => this.received += bytes) };
  }

  /** An answer is followed to where it leads. */
  redirected(): void {
    this.redirects++;
    this.times.redirect = this.#since(performance.now());
  }

  #note(
    { connection, version, headers, status, sentAt }: WireAnswer,
    { url, method }: Pick<Hop, "url" | "method">,
  ) {
    const redirectUrl = leadsTo(status, headers.get("location"), { url, method });
    this.answer = { url, method, version, headers: [...headers], redirectUrl, connection };
    const { lookedUp, connected, ready } = connection;
    this.times = {
      redirect: this.times.redirect,
      lookup: lookedUp && this.#since(lookedUp),
      connect: this.#since(connected),
      tls: url.protocol === "https:" ? this.#since(ready) : undefined,
      request: this.#since(sentAt),
      answer: this.#since(performance.now()),
    };
  }

  /** What stood before there was a URL took no time of its. */
  #since(time: number): number {
    return Math.max(0, time - this.begun);
  }
}

function leadsTo(
  status: number,
  location: string | null,
  { url, method }: Pick<Hop, "url" | "method">,
): string | undefined {
  if (!isRedirect(status, location)) return undefined;
  try {
    return nextHop({ url, method, headers: new Headers(), withBody: false }, { status, location }).url.href;
  } catch {
    // It leads to what is not served.
    return undefined;
  }
}

/** A body, and how much of it is read. */
class CountedBody implements WireBody {
  constructor(readonly body: WireBody, readonly count: (bytes: number) => void) {}

  get left(): number | undefined {
    return this.body.left;
  }

  get trailers(): WireBody["trailers"] {
    return this.body.trailers;
  }

  async read(buffer: Uint8Array<ArrayBuffer>): Promise<number | null> {
    const count = await this.body.read(buffer);
    this.count(count ?? 0);
    return count;
  }

  whole(): Uint8Array<ArrayBuffer> | null {
    const bytes = this.body.whole();
    this.count(bytes?.length ?? 0);
    return bytes;
  }

  cancel(): Promise<void> {
    return this.body.cancel();
  }
}

/** The facts of a URL and what came of it. */
export interface Report {
  outcome: Outcome;
  facts: Facts;
  /** The URL as it was given, userinfo taken out. */
  target: string;
  /** Exact, where the outcome's is rounded. */
  ms: number;
}
