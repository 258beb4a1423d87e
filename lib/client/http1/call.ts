import type { WireAnswer } from "./answer.ts";
import type { WireRequest } from "./request.ts";

/** RFC 9110 section 9.2.2, and those of WebDAV that are (RFC 4918). */
const IDEMPOTENT: readonly string[] = [
  ..."GET HEAD OPTIONS PUT DELETE PROPFIND PROPPATCH REPORT SEARCH QUERY COPY MOVE UNLOCK".split(" "),
];

/** Who has a call at the moment. */
export interface Holder {
  /** Breaks it off. */
  abort(call: Call): void;
}

/** A request until the end of its answer. */
export class Call {
  readonly answer: Promise<WireAnswer>;
  readonly #resolve: (answer: WireAnswer) => void;
  readonly #reject: (reason: unknown) => void;
  /** Whether it was sent a second time already. */
  resent = false;
  /** Whether its answer has been given out, or an error in its place. */
  settled = false;
  holder: Holder | undefined;
  /** Called once, when nothing is left to be done. */
  onEnd: ((call: Call) => void) | undefined;

  /** `asks` says whether the server is asked before it gets a body. */
  constructor(readonly request: WireRequest, readonly signal: AbortSignal, public asks: boolean) {
    const { promise, resolve, reject } = Promise.withResolvers<WireAnswer>();
    this.answer = promise;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Whether the server may get it twice (RFC 9112 section 9.3.1). */
  get repeatable(): boolean {
    const { method, body } = this.request;
    return IDEMPOTENT.includes(method) && (!body || body.rereadable);
  }

  give(answer: WireAnswer): void {
    this.settled = true;
    this.#resolve(answer);
  }

  /** Ends it, with an error where its answer has not been given out. */
  fail(reason: unknown): void {
    if (!this.settled) {
      this.settled = true;
      this.#reject(this.signal.aborted ? this.signal.reason : reason);
    }
    this.end();
  }

  end(): void {
    const { onEnd } = this;
    this.onEnd = undefined;
    this.holder = undefined;
    onEnd?.(this);
  }
}
