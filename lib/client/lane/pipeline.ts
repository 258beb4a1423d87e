/**
 * One connection on which small files are asked for, many at a time, without waiting for the answers in between (RFC 9112
 * section 9.3.2). Unlike a `Channel` it makes nothing for a single request: no promise, no signal, no body to be read.
 * What is no whole file, or a long one, is left to others.
 */
import { close } from "../dial/connection.ts";
import type { Dialed } from "../dial/dialer.ts";
import { MAX_INTERIM } from "../http1/channel.ts";
import { HeadError } from "../http1/fields.ts";
import { type Framing, framing, isPersistent } from "../http1/framing.ts";
import { type Head, headEnd, latin1, parseHead } from "../http1/head.ts";
import { Input } from "../http1/input.ts";
import { Output } from "../http1/output.ts";
import { requestHead } from "../http1/request.ts";
import { LongBody } from "./long_body.ts";
import { PlainAnswer } from "./plain_answer.ts";
import type { Delivered, Wanted } from "./wanted.ts";

/** Head and body have to fit into what `Input` holds. */
const SMALL_BYTES = 32 * 1024;

/** Requests under way on a connection, fewer of them where each takes its time. */
const MAX_DEPTH = 64;
const FIRST_DEPTH = 4;
const GOOD_DEPTH = 16;
const QUICK_MS = 25;
const SLOW_MS = 200;

const plain = new PlainAnswer();

export interface PipelineOptions {
  /**
   * A longer body is worth a request of its own, and ends the connection: all that has been asked for behind it is asked
   * for once more.
   */
  mostBytes: number;
  /** Memory for so many bytes, which is given back with a body. */
  memory(): ArrayBuffer;
  /** Up to `count` that are to be sent. */
  next(count: number): Wanted[];
  /** A whole answer, of a file or of one that has not changed. */
  delivered(wanted: Wanted, answer: Delivered): void;
  /** Another answer than that of a small file: it is to be asked for in another way. */
  odd(wanted: Wanted): void;
  /** The first answer has come, and more connections may be worth their while. */
  warm(head: Head): void;
  /** Something was delivered, and the server has to be waited for. Waits until there is room for more. */
  pause(): Promise<void> | undefined;
  /** It has ended; these have no answer. */
  ended(unanswered: Wanted[]): void;
}

export class Pipeline {
  readonly #dialed: Dialed;
  readonly #options: PipelineOptions;
  readonly #input: Input;
  readonly #output: Output;
  /** Those that have been sent, from `#first` on. */
  #line: Wanted[] = [];
  #first = 0;
  #isWarm = false;
  #depth = FIRST_DEPTH;
  /** When it was refilled last. */
  #refilled = 0;
  #isSlow = false;
  /** What the next bytes are of. */
  #long: LongBody | null = null;
  /** Interim answers that came since the last other one. */
  #interims = 0;
  #isOpen = true;
  #wake: (() => void) | undefined;
  /** How much had moved when it was looked last. */
  #moved = 0;

  constructor(dialed: Dialed, options: PipelineOptions) {
    this.#dialed = dialed;
    this.#options = options;
    this.#input = new Input(dialed.conn);
    this.#output = new Output(dialed.conn);
    this.#run();
  }

  /** Whether its answers are such that many requests may wait on it. */
  get isWarm(): boolean {
    return this.#isWarm;
  }

  /** Whether its answers take so long that others in line wait: more connections serve better. */
  get isSlow(): boolean {
    return this.#isSlow;
  }

  /** There may be more to send. */
  wake(): void {
    this.#wake?.();
  }

  /** Closes it when the server owes answers and nothing has moved since the last look. */
  check(): void {
    const { total } = this.#input;
    if (this.#pending > 0 && this.#input.reading && total === this.#moved) this.close();
    this.#moved = total;
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    close(this.#dialed.conn);
    this.#wake?.();
  }

  get #pending(): number {
    return this.#line.length - this.#first;
  }

  async #run(): Promise<void> {
    try {
      while (this.#isOpen) {
        this.#refill();
        if (this.#pending === 0) await this.#asleep();
        else if (!await (this.#long?.read(this.#input) ?? this.#input.fill())) break;
        else if (!this.#answers()) break;
        await this.#options.pause();
      }
    } catch {
      // What the server owes is asked for in another way, which tells what is wrong with it.
    }
    this.close();
    // What the last answers brought is on its way at once.
    this.#options.pause();
    this.#options.ended(this.#line.slice(this.#first));
  }

  /** Sends more when half of them are done: many go by one write. */
  #refill(): void {
    if (this.#pending > (this.#isWarm ? this.#depth / 2 : 0)) return;
    this.#line = this.#line.slice(this.#first);
    this.#first = 0;
    const now = performance.now();
    if (this.#isWarm && this.#refilled > 0) {
      const took = now - this.#refilled;
      if (took < QUICK_MS) this.#depth = Math.min(MAX_DEPTH, this.#depth * 2);
      else if (took > SLOW_MS) this.#depth = Math.max(2, this.#depth / 2);
      this.#isSlow = took >= QUICK_MS && this.#depth < GOOD_DEPTH;
    }
    const { form, proxyHeaders } = this.#dialed;
    const next = this.#options.next((this.#isWarm ? this.#depth : 1) - this.#line.length);
    this.#refilled = next.length > 0 ? now : 0;
    for (const wanted of next) {
      const request = { url: wanted.url, method: "GET", fields: wanted.fields };
      this.#output.add(requestHead(request, { form, proxyHeaders, expect: false }));
      this.#line.push(wanted);
    }
    this.#output.flush();
  }

  async #asleep(): Promise<void> {
    if (!this.#isOpen) return;
    await new Promise<void>((resolve) => this.#wake = resolve);
    this.#wake = undefined;
  }

  /** Takes the answers that are here; false when nothing may follow. Throws HeadError. */
  #answers(): boolean {
    for (;;) {
      if (this.#long !== null) {
        if (!this.#long.isWhole) return true;
        if (!this.#endLong(this.#long)) return false;
      }
      if (this.#isWarm) this.#plainAnswers();
      const next = this.#answer();
      if (next !== "more") return next === "wait";
    }
  }

  /** Takes answers for as long as they are those of small files. */
  #plainAnswers(): void {
    const { here } = this.#input;
    let at = 0;
    while (this.#pending > 0 && plain.read(here, at)) {
      const { status, end, length } = plain.head;
      if (length > SMALL_BYTES || here.length < end + length) break;
      if (status === 304 && !this.#line[this.#first].fields.conditional) break;
      at = end + length;
      plain.body = here.subarray(end, at);
      this.#options.delivered(this.#line[this.#first++], plain);
    }
    if (at > 0) this.#interims = 0;
    this.#input.take(at);
  }

  /** Takes the next answer, whatever it is. */
  #answer(): "more" | "wait" | "over" {
    const input = this.#input;
    const { here } = input;
    const end = headEnd(here);
    if (end === -1) {
      if (input.isFull) throw new HeadError("more headers than are accepted");
      return "wait";
    }
    // Nobody asked for this.
    if (this.#pending === 0) return "over";
    const head = parseHead(latin1(here.subarray(0, end)));
    if (head.status < 200) {
      if (++this.#interims > MAX_INTERIM) throw new HeadError(`more than ${MAX_INTERIM} interim answers`);
      input.take(end);
      return "more";
    }
    this.#interims = 0;
    const frame = framing(head, "GET");
    const size = frame.kind === "none" ? 0 : frame.kind === "length" ? frame.bytes : Infinity;
    if (size > SMALL_BYTES && size <= this.#options.mostBytes) {
      input.take(end);
      const wanted = isPlain(head, this.#line[this.#first]);
      this.#long = new LongBody(head, size, wanted ? this.#options.memory() : null);
      this.#long.begin(input);
      return "more";
    }
    if (size <= SMALL_BYTES && here.length < end + size) {
      if (input.isFull) throw new HeadError("more headers than are accepted");
      return "wait";
    }
    const wanted = this.#line[this.#first++];
    if (size > SMALL_BYTES || !isPlain(head, wanted)) this.#options.odd(wanted);
    else {
      const { status, fields } = head;
      const body = here.subarray(end, end + size);
      this.#options.delivered(wanted, { status, field: (name) => fields.get(name), body });
    }
    if (size > SMALL_BYTES) {
      // It is not read to its end. But for that there would have been another one.
      if (frame.kind === "length") this.#goesOn(head, frame.kind);
      return "over";
    }
    input.take(end + size);
    return this.#goesOn(head, frame.kind) ? "more" : "over";
  }

  /** Gives what has come whole; false when nothing may follow. */
  #endLong({ head, content }: LongBody): boolean {
    this.#long = null;
    const wanted = this.#line[this.#first++];
    if (content === null) this.#options.odd(wanted);
    else {
      const { status, fields } = head;
      this.#options.delivered(wanted, {
        status,
        field: (name) => fields.get(name),
        body: content,
        given: true,
      });
    }
    return this.#goesOn(head, "length");
  }

  /** An answer has come whole: whether another one may follow. */
  #goesOn(head: Head, kind: Framing["kind"]): boolean {
    if (!isPersistent(head, kind)) return false;
    if (!this.#isWarm) this.#options.warm(head);
    this.#isWarm = true;
    return true;
  }
}

/** A file as it is, or one that has not changed since the copy here, with nothing about it that has to be looked at. */
function isPlain({ status, fields }: Head, wanted: Wanted): boolean {
  if (status === 304) return wanted.fields.conditional;
  return status === 200 &&
    !["content-encoding", "repr-digest", "content-digest"].some((name) => fields.has(name));
}
