/**
 * The small files that are wanted of one origin, and what brings them: a few connections, or packs. What was not brought
 * when it closes is requested in the ordinary way.
 */
import type { Dialer } from "../dial/dialer.ts";
import { close } from "../dial/connection.ts";
import type { Head } from "../http1/head.ts";
import { type Packs, pathInPack } from "./packs.ts";
import { Pipeline } from "./pipeline.ts";
import type { Delivered, Wanted } from "./wanted.ts";

/** For so many a pack is worth its while. */
const MANY = 16;

/** Connections to a server that answers at once: more of them bring nothing sooner, and each has memory of its own. */
const ENOUGH = 4;

/** Connections that may end before many requests could wait on them. */
const MAX_BROKEN = 2;

/** So many answers may be no small files, and one in so many: each ends a connection, or is asked for twice. */
const MAX_ODD = 8;
const ODD_SHARE = 20;

/** How many are left to the ordinary way then, the first time and at most: others may be small again. */
const FIRST_REST = 256;
const LONGEST_REST = 8192;

export interface OriginOptions {
  dialer: Pick<Dialer, "dial">;
  /** How many requests the server may work on at a time. */
  parallel: number;
  signal: AbortSignal;
  /** A longer file gets a request of its own. */
  mostBytes: number;
  /** Memory for so many bytes. */
  memory(): ArrayBuffer;
  delivered(wanted: Wanted, answer: Delivered): void;
  /** It has to be requested in the ordinary way. */
  odd(wanted: Wanted): void;
  /** Waits until there is room for more answers. */
  pause(): Promise<void> | undefined;
  /** The packs of the server, which may be a Ferry by the head of an answer; null where it cannot be one. */
  packs(head: Head): Promise<Packs | null> | null;
}

type State =
  /** Nothing is known of the server. */
  | { kind: "new" }
  /** It is being asked whether it sends packs. */
  | { kind: "asking" }
  | { kind: "pipelines" }
  | { kind: "packs"; packs: Packs }
  /** So many more are left to the ordinary way before it is tried again. */
  | { kind: "resting"; left: number }
  | { kind: "closed" };

export class OriginLane {
  readonly #options: OriginOptions;
  #queue: Wanted[] = [];
  readonly #pipelines = new Set<Pipeline>();
  #dialing = 0;
  #broken = 0;
  #odd = 0;
  #delivered = 0;
  #rest = FIRST_REST;
  /** Whether it has been found out whether the server sends packs. */
  #isKnown = false;
  #state: State = { kind: "new" };

  constructor(options: OriginOptions) {
    this.#options = options;
  }

  add(wanted: Wanted): void {
    switch (this.#state.kind) {
      case "closed":
        return this.#options.odd(wanted);
      case "resting":
        if (--this.#state.left === 0) this.#state = { kind: this.#isKnown ? "pipelines" : "new" };
        return this.#options.odd(wanted);
      case "packs":
        wanted.inPack = pathInPack(wanted) ?? undefined;
        if (wanted.inPack === undefined) return this.#options.odd(wanted);
        this.#queue.push(wanted);
        if (this.#queue.length >= MANY) this.#state.packs.wake();
        return;
      default:
        this.#queue.push(wanted);
        this.#go();
    }
  }

  /** No more come for now: what has been left to gather is sent. */
  flush(): void {
    if (this.#state.kind !== "packs") return this.#go();
    if (this.#queue.length >= MANY) this.#state.packs.wake();
    else for (const wanted of this.#queue.splice(0)) this.#options.odd(wanted);
  }

  /** Looks after connections that have fallen silent. */
  check(): void {
    for (const pipeline of this.#pipelines) pipeline.check();
  }

  /** Ends it. */
  close(): void {
    if (this.#state.kind === "packs") this.#state.packs.close();
    this.#shut();
    for (const pipeline of this.#pipelines) pipeline.close();
  }

  /** Sends nothing more; what was sent is waited for. */
  #shut(): void {
    this.#state = { kind: "closed" };
    this.#giveUp(this.#queue.splice(0));
  }

  /** Leaves the next ones to the ordinary way. */
  #takeRest(): void {
    this.#state = { kind: "resting", left: this.#rest };
    this.#rest = Math.min(LONGEST_REST, this.#rest * 2);
    this.#odd = this.#delivered = 0;
    this.#giveUp(this.#queue.splice(0));
  }

  #giveUp(files: Wanted[]): void {
    if (this.#options.signal.aborted) return;
    for (const wanted of files) this.#options.odd(wanted);
  }

  /** Wakes the connections, and makes more of them where many files wait. */
  #go(): void {
    if (this.#queue.length === 0) return;
    for (const pipeline of this.#pipelines) pipeline.wake();
    if (this.#queue.length === 0) return;
    const wanted = Math.min(this.#mostPipelines(), this.#queue.length);
    while (this.#pipelines.size + this.#dialing < wanted) this.#dial(this.#queue[0].url);
  }

  #mostPipelines(): number {
    if (this.#state.kind !== "pipelines") return 1;
    const { parallel } = this.#options;
    for (const pipeline of this.#pipelines) if (pipeline.isSlow) return parallel;
    return Math.min(parallel, ENOUGH);
  }

  async #dial(url: URL): Promise<void> {
    const { dialer, mostBytes, signal } = this.#options;
    this.#dialing++;
    try {
      const dialed = await dialer.dial(url, signal);
      if (this.#state.kind === "closed") return close(dialed.conn);
      const pipeline: Pipeline = new Pipeline(dialed, {
        mostBytes,
        memory: () => this.#options.memory(),
        next: (count) => this.#next(count),
        delivered: (wanted, answer) => {
          this.#delivered++;
          this.#options.delivered(wanted, answer);
        },
        odd: (wanted) => this.#isOdd(wanted),
        warm: (head) => void this.#warm(head),
        pause: () => this.#options.pause(),
        ended: (unanswered) => this.#ended(pipeline, unanswered),
      });
      this.#pipelines.add(pipeline);
    } catch {
      // The ordinary way says why.
      if (this.#pipelines.size === 0 && this.#state.kind !== "closed") this.#takeRest();
    } finally {
      this.#dialing--;
    }
  }

  /** At most `count`; half of them if need be, else no more than leaves as many to each of the other connections. */
  #next(count: number): Wanted[] {
    if (this.#state.kind === "asking") return [];
    const share = Math.ceil(this.#queue.length / (this.#pipelines.size + this.#dialing));
    return this.#queue.splice(0, Math.min(count, Math.max(share, count >> 1)));
  }

  #isOdd(wanted: Wanted): void {
    this.#options.odd(wanted);
    if (this.#state.kind === "closed" || this.#state.kind === "resting") return;
    if (++this.#odd > MAX_ODD && this.#odd * ODD_SHARE > this.#delivered) this.#takeRest();
  }

  /** The first answer on a connection has come. */
  async #warm(head: Head): Promise<void> {
    if (this.#state.kind !== "new") return;
    this.#isKnown = true;
    const asked = this.#options.packs(head);
    if (asked !== null) {
      this.#state = { kind: "asking" };
      const packs = await asked;
      // It may have been closed meanwhile.
      if (this.#state.kind !== "asking") return;
      if (packs !== null) return this.#startPacks(packs);
    }
    this.#state = { kind: "pipelines" };
    this.#go();
  }

  #startPacks(packs: Packs): void {
    this.#state = { kind: "packs", packs };
    const queue = this.#queue.splice(0);
    packs.start({
      take: (most) => this.#queue.length < MANY ? [] : this.#queue.splice(0, most),
      alone: (wanted) => this.#options.odd(wanted),
      pause: () => this.#options.pause(),
      ended: () => this.#endPacks(),
    });
    for (const wanted of queue) this.add(wanted);
    this.flush();
    for (const pipeline of this.#pipelines) pipeline.close();
  }

  /** What is left comes by requests of its own. */
  #endPacks(): void {
    if (this.#state.kind !== "packs") return;
    this.#state = { kind: "pipelines" };
    this.#go();
  }

  #ended(pipeline: Pipeline, unanswered: Wanted[]): void {
    this.#pipelines.delete(pipeline);
    if (this.#state.kind === "closed" || this.#state.kind === "resting") return this.#giveUp(unanswered);
    if (this.#state.kind === "packs") {
      for (const wanted of unanswered) this.add(wanted);
      return;
    }
    this.#queue.unshift(...unanswered);
    if (!pipeline.isWarm && ++this.#broken >= MAX_BROKEN) return this.#shut();
    this.#go();
  }
}
