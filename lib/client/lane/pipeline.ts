/**
 * One connection on which small files are asked for, many at a time, without waiting for the answers in between (RFC 9112
 * section 9.3.2). Unlike a `Channel` it makes nothing for a single request: no promise, no signal, no body to be read.
 * What is no small whole file is left to others.
 */
import { close } from "../dial/connection.ts";
import type { Dialed } from "../dial/dialer.ts";
import { HeadError } from "../http1/fields.ts";
import { framing, isPersistent } from "../http1/framing.ts";
import { type Head, headEnd, latin1, parseHead } from "../http1/head.ts";
import { Input } from "../http1/input.ts";
import { Output } from "../http1/output.ts";
import { requestHead } from "../http1/request.ts";
import type { Delivered, Wanted } from "./wanted.ts";

/** A longer body is worth a request of its own; head and body have to fit into what `Input` holds. */
export const SMALL_BYTES = 32 * 1024;

/** Requests under way on a connection, fewer of them where each takes its time. */
const MAX_DEPTH = 64;
const FIRST_DEPTH = 4;
const QUICK_MS = 25;
const SLOW_MS = 200;

/** What one has to say. */
export interface PipelineEvents {
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
  readonly #events: PipelineEvents;
  readonly #input: Input;
  readonly #output: Output;
  /** Those that have been sent, from `#first` on. */
  #line: Wanted[] = [];
  #first = 0;
  #isWarm = false;
  #depth = FIRST_DEPTH;
  /** When it was refilled last. */
  #refilled = 0;
  #isOpen = true;
  #wake: (() => void) | undefined;
  /** How much had moved when it was looked last. */
  #moved = 0;

  constructor(dialed: Dialed, events: PipelineEvents) {
    this.#dialed = dialed;
    this.#events = events;
    this.#input = new Input(dialed.conn);
    this.#output = new Output(dialed.conn);
    this.#run();
  }

  /** Whether its answers are such that many requests may wait on it. */
  get isWarm(): boolean {
    return this.#isWarm;
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
        else if (!await this.#input.fill()) break;
        else if (!this.#answers()) break;
        await this.#events.pause();
      }
    } catch {
      // What the server owes is asked for in another way, which tells what is wrong with it.
    }
    this.close();
    // What the last answers brought is on its way at once.
    this.#events.pause();
    this.#events.ended(this.#line.slice(this.#first));
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
    }
    const { form, proxyHeaders } = this.#dialed;
    const next = this.#events.next((this.#isWarm ? this.#depth : 1) - this.#line.length);
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
    const input = this.#input;
    for (;;) {
      const { here } = input;
      const end = headEnd(here);
      if (end === -1) {
        if (input.isFull) throw new HeadError("more headers than are accepted");
        return true;
      }
      // Nobody asked for this.
      if (this.#pending === 0) return false;
      const head = parseHead(latin1(here.subarray(0, end)));
      if (head.status < 200) {
        input.take(end);
        continue;
      }
      const frame = framing(head, "GET");
      const size = frame.kind === "none" ? 0 : frame.kind === "length" ? frame.bytes : Infinity;
      if (size <= SMALL_BYTES && here.length < end + size) {
        if (input.isFull) throw new HeadError("more headers than are accepted");
        return true;
      }
      const wanted = this.#line[this.#first++];
      if (size > SMALL_BYTES || !isPlain(head)) this.#events.odd(wanted);
      else {this.#events.delivered(wanted, {
          status: head.status,
          headers: head.fields,
          body: here.subarray(end, end + size),
        });}
      // The rest of a long body would be waited for in vain.
      if (size > SMALL_BYTES) return false;
      input.take(end + size);
      if (!isPersistent(head, frame.kind)) return false;
      if (!this.#isWarm) this.#events.warm(head);
      this.#isWarm = true;
    }
  }
}

/** A file as it is, or one that has not changed, with nothing about it that has to be looked at. */
function isPlain({ status, fields }: Head): boolean {
  if (status === 304) return true;
  return status === 200 &&
    !["content-encoding", "repr-digest", "content-digest"].some((name) => fields.has(name));
}
