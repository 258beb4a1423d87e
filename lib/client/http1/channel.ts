/** One connection to a server: a request at a time, and its answer. */
import { quote } from "../../core/errors.ts";
import { close } from "../dial/connection.ts";
import type { Dialed } from "../dial/dialer.ts";
import type { ConnectionFacts } from "./answer.ts";
import { FetchError } from "../fetch_error.ts";
import { AnswerBody, type BodyHost } from "./body.ts";
import type { Call, Holder } from "./call.ts";
import { badAnswer, brokenOff, closedUnanswered, notHttp, silent, tlsAlert } from "./failures.ts";
import { HeadError } from "./fields.ts";
import { framing, isPersistent } from "./framing.ts";
import type { Head } from "./head.ts";
import { HeadReader, NotHttp } from "./head_reader.ts";
import { Input } from "./input.ts";
import { Output } from "./output.ts";
import { requestHead } from "./request.ts";
import { Sending } from "./sending.ts";

/** Interim answers before a final one. */
export const MAX_INTERIM = 32;

/** Without a byte moved, in milliseconds: in the middle of a body, and until an answer begins. */
const SILENCE_MS = 60_000;
const PATIENCE_MS = 300_000;

/** After so long without a byte on a new connection the server may have no room for it. */
const IGNORED_MS = 1000;

/** Is told what becomes of a channel. */
export interface ChannelEvents {
  /** It can take another request. */
  free(channel: Channel): void;
  /** It was sent in vain, and may be sent elsewhere. */
  returned(call: Call): void;
  closed(channel: Channel): void;
}

export class Channel implements Holder {
  /** How many answers have come. */
  answered = 0;
  readonly #dialed: Dialed;
  readonly #facts: ConnectionFacts;
  readonly #events: ChannelEvents;
  readonly #input: Input;
  readonly #output: Output;
  readonly #heads: HeadReader;
  /** Of the body that is under way. */
  readonly #host: BodyHost;
  /** The request whose answer is due or under way. */
  #call: Call | undefined;
  /** Its server, also when it has gone. */
  #where = "the server";
  #interims = 0;
  #body: AnswerBody | undefined;
  #sending: Sending | undefined;
  #isOpen = true;
  /** Why this side has closed it. */
  #failure: unknown;
  /** Whether nothing may follow the answer that is under way. */
  #isLast = false;
  /** Whether that answer has been taken as a whole. */
  #isTaken = false;
  /** How much had moved, and when that was. */
  #moved = 0;
  #since = 0;
  #checked = 0;
  #sentAt = 0;

  constructor(dialed: Dialed, events: ChannelEvents) {
    this.#dialed = dialed;
    this.#facts = { ...dialed.facts, ready: performance.now() };
    this.#events = events;
    this.#input = new Input(dialed.conn);
    this.#output = new Output(dialed.conn);
    this.#heads = new HeadReader(this.#input);
    this.#host = {
      input: this.#input,
      failure: (error) => this.#bodyFailure(error),
      ended: (clean) => this.#taken(clean),
    };
    this.#run();
  }

  /** Whether a request may be sent. */
  get isFree(): boolean {
    return this.#isOpen && !this.#isLast && this.#call === undefined;
  }

  /** Whether it will be free in a moment, when the end of its answer has been dealt with. */
  get isAlmostFree(): boolean {
    return this.#isOpen && this.#isTaken && !this.#isLast;
  }

  /** Sends `call`, on a channel that is free. */
  send(call: Call): void {
    const { request } = call;
    const { form, proxyHeaders, about } = this.#dialed;
    const head = requestHead(request, { form, proxyHeaders, expect: call.asks });
    this.#call = call;
    this.#where = request.url.host;
    call.holder = this;
    request.trace?.connected(about, this.answered > 0);
    request.trace?.sent(head);
    this.#output.add(head);
    this.#output.flush();
    this.#sentAt = performance.now();
    if (!request.body) return;
    this.#sending = new Sending(this.#output, call);
    this.#sending.done.then((sent) => {
      if (sent.kind === "unreadable") this.close(sent.error);
    });
  }

  abort(call: Call): void {
    this.close(call.signal.reason);
  }

  /** Ends it, and with it what is under way, which fails with `reason`. */
  close(reason?: unknown): void {
    if (!this.#isOpen) return;
    this.#failure = reason;
    this.#isOpen = false;
    this.#sending?.stop();
    close(this.#dialed.conn);
    this.#body?.abandon();
  }

  /** Closes it when the server owes something and has been silent for too long. `now` in milliseconds. */
  check(now: number): void {
    this.#checked = now;
    const moved = this.#input.total + this.#output.total;
    if (moved !== this.#moved || !this.#isServersTurn) {
      this.#moved = moved;
      this.#since = now;
      return;
    }
    const limit = this.#body !== undefined || this.#output.writing ? SILENCE_MS : PATIENCE_MS;
    if (now - this.#since >= limit) this.close(silent(this.#where, limit / 1000));
  }

  /** Whether nothing has ever come on it, though a request was sent a while ago; of the last `check`. */
  get isIgnored(): boolean {
    return this.#call !== undefined && this.#input.total === 0 && this.#checked - this.#since >= IGNORED_MS;
  }

  get #isServersTurn(): boolean {
    if (this.#call === undefined) return false;
    // Before an answer begins a read is always under way; what counts is that the request has gone.
    if (this.#body === undefined && this.#sending !== undefined && !this.#sending.isOver) {
      return this.#output.writing;
    }
    return this.#input.reading;
  }

  async #run(): Promise<void> {
    let error: unknown;
    try {
      while (this.#isOpen && !this.#isLast) {
        const head = this.#call === undefined ? null : this.#heads.next();
        if (head === null) {
          if (!await this.#input.fill()) break;
          // What nobody asked for: who knows what comes next.
          if (this.#call === undefined) break;
        } else if (head.status < 200) this.#interim(head, this.#call!);
        else if (this.#answer(head, this.#call!)) {
          const whole = await this.#body?.ended !== false;
          if (!whole || await this.#sending?.isWhole() === false) this.#isLast = true;
          this.#finish();
        }
      }
    } catch (thrown) {
      error = thrown;
    }
    this.#leave(error);
  }

  #interim(head: Head, { request }: Call): void {
    request.trace?.received(startLine(head), head.fields.asSent());
    if (++this.#interims > MAX_INTERIM) throw new HeadError(`more than ${MAX_INTERIM} interim answers`);
    if (head.status === 101) throw new HeadError("a change of protocol (101) that nobody asked for");
    if (head.status === 100) this.#sending?.go();
  }

  /** Gives an answer out; false when its request is to be sent again instead. */
  #answer(head: Head, call: Call): boolean {
    call.request.trace?.received(startLine(head), head.fields.asSent());
    if (head.status === 407 && this.#dialed.denied) {
      throw this.#dialed.denied(`407 ${quote(head.statusText.slice(0, 100))}`.trim());
    }
    const frame = framing(head, call.request.method);
    if (head.status === 417 && this.#retriesUnasked(call)) return false;
    // A refusal needs no more of the body; any other answer may be one to what has come so far.
    if (head.status >= 300) this.#sending?.stop();
    if (!isPersistent(head, frame.kind) || call.request.fields.close) this.#isLast = true;
    const isEmpty = frame.kind === "none" || (frame.kind === "length" && frame.bytes === 0);
    if (isEmpty) this.#taken(true);
    else this.#body = new AnswerBody(this.#host, frame);
    call.give({
      status: head.status,
      statusText: head.statusText,
      version: `1.${head.minor}`,
      ok: head.status < 300,
      headers: head.fields,
      body: this.#body ?? null,
      connection: this.#facts,
      answered: this.answered,
      sentAt: this.#sentAt,
    });
    return true;
  }

  /** The body has been taken, `clean` when to its last byte. */
  #taken(clean: boolean): void {
    this.#isTaken = clean;
    // Bytes behind it are of nothing that was asked for.
    if (!clean || this.#input.length > 0) this.#isLast = true;
  }

  /** The answer has been dealt with to its end. */
  #finish(): void {
    const call = this.#call!;
    this.#call = this.#body = this.#sending = undefined;
    this.#isTaken = false;
    this.#interims = 0;
    this.answered++;
    call.end();
    if (!this.#isLast) this.#events.free(this);
  }

  /** Whether the body is to be sent after all, to a server that would not be asked (RFC 9110 section 15.5.18). */
  #retriesUnasked(call: Call): boolean {
    if (!call.asks || !call.request.body?.rereadable) return false;
    call.asks = false;
    this.#isLast = true;
    this.#call = undefined;
    this.#events.returned(call);
    return true;
  }

  /** Nothing more comes, for this reason: a request that is under way fails or goes elsewhere. */
  #leave(error: unknown): void {
    const failure = this.#failure ?? this.#fault(error);
    const call = this.#call;
    this.close();
    this.#call = undefined;
    this.#events.closed(this);
    if (call === undefined) return;
    if (call.settled) call.end();
    else if (failure === undefined && !call.signal.aborted && this.#mayAgain(call)) {
      this.#events.returned(call);
    } else call.fail(failure ?? this.#endedEarly(error));
  }

  /** A server may close a connection that it kept while a request is on its way (RFC 9112 section 9.3.1). */
  #mayAgain(call: Call): boolean {
    if (this.answered === 0 || this.#input.length > 0 || call.resent || !call.repeatable) return false;
    call.resent = true;
    return true;
  }

  /** What a reader of the body is told. */
  #bodyFailure(error: unknown): unknown {
    return this.#failure ?? this.#fault(error) ?? brokenOff(this.#where, error);
  }

  /** What is wrong with the server itself; undefined when the connection merely broke. */
  #fault(error: unknown): unknown {
    if (error instanceof HeadError) return badAnswer(this.#where, error.message);
    if (error instanceof NotHttp) return notHttp(this.#where, error.first);
    return error instanceof FetchError ? error : tlsAlert(this.#where, error);
  }

  #endedEarly(error: unknown): unknown {
    return this.#input.length > 0 ? brokenOff(this.#where, error) : closedUnanswered(this.#where, error);
  }
}

function startLine({ minor, status, statusText }: Head): string {
  return `HTTP/1.${minor} ${status} ${statusText}`.trimEnd();
}
