import type { WireAnswer } from "./answer.ts";
import type { WireRequest } from "./request.ts";

/** RFC 9110 section 9.2.2, and those of WebDAV that are (RFC 4918). */
const IDEMPOTENT: readonly string[] = [
  ..."GET HEAD OPTIONS PUT DELETE PROPFIND PROPPATCH REPORT SEARCH QUERY COPY MOVE UNLOCK".split(" "),
];

/** A request until the end of its answer. */
export class Call {
  readonly answer: Promise<WireAnswer>;
  readonly resolve: (answer: WireAnswer) => void;
  readonly #reject: (reason: unknown) => void;
  /** Whether it was sent a second time already. */
  resent = false;
  /** Whether its answer has been given out, or an error in its place. */
  settled = false;
  /** Whether the server wants to be asked before it gets a body. */
  asks: boolean;
  /** Breaks off what is under way; set by whoever has the call. */
  abort: (() => void) | undefined;
  /** Called once, when nothing is left to be done. */
  onEnd: (() => void) | undefined;

  constructor(readonly request: WireRequest, readonly signal: AbortSignal, asks: boolean) {
    const { promise, resolve, reject } = Promise.withResolvers<WireAnswer>();
    this.answer = promise;
    this.resolve = resolve;
    this.#reject = reject;
    this.asks = asks;
  }

  /** Whether it may wait behind others on a connection (RFC 9112 section 9.3.2). */
  get pipelinable(): boolean {
    const { method, body, fields } = this.request;
    return (method === "GET" || method === "HEAD") && !body && !fields.close;
  }

  /** Whether the server may get it twice (RFC 9112 section 9.3.1). */
  get repeatable(): boolean {
    const { method, body } = this.request;
    return IDEMPOTENT.includes(method) && (!body || body.rereadable);
  }

  /** Ends it with an error, where its answer has not been given out. */
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
    this.abort = undefined;
    onEnd?.();
  }
}
